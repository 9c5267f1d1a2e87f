"""Compilation to XLA through JAX: a first-order program with known sizes enters, a function over arrays leaves.

Each step is written as array operations; derivatives are programs before they come here, so nothing of JAX's own
differentiation is used.
"""
