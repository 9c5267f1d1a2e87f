"""Mutants: the rules and passes enter with one fault at a time, what notices each fault leaves.

The published prototype of unary form (Huot & Shaikhha 2022, arXiv 2212.09801) shipped a wrong power rule that its own
tests could not see, as every mode read one table. Here every rule of every row and the functions of the passes are
broken one by one, in process, and a fast suite with independent oracles must notice (DeMillo, Lipton & Sayward 1978).
``python -m pushforward.verify.mutants`` prints the table.
"""
