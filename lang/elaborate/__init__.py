"""Elaboration: a checked definition at one instance enters, a full-stage program in unary form leaves.

A value of the language is the tuple of slots of its type's `leaves`: tuples and records are concatenations, arrays
of tuples are tuples of arrays, a function or a variant is one slot. The context is threaded by a `Builder`, as in
the unary form of Huot & Shaikhha (2022, arXiv 2212.09801), section 3.
"""

from .definitions import Definitions

__all__ = ["Definitions"]
