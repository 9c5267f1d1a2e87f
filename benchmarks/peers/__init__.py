"""Hand-written JAX for the same objectives: for each problem at least two honest formulations.

Every module has `FORMULATIONS`, a table from a name to an objective in the argument order of our program,
so that the fastest one can be named as the peer in every run.
"""
