"""Tests of what `pf build` writes, called from C, from Python and from JAX."""
