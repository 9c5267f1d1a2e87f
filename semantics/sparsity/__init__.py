"""Which elements of an input each element of a result may depend on, read off the program and never off values.

A program at known sizes enters, sets of input elements leave (`pattern`). `rows` holds what sets are, `rules` what each
primitive does to them, `walk` what loops, branches and calls do.
"""

from .walk import pattern

__all__ = ["pattern"]
