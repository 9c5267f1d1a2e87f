"""Measurements of the toolkit against fixed bars and against hand-written JAX: `python -m benchmarks`."""
