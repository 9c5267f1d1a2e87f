"""The corpus of JAX programs that tracing is measured on: callables, primitives, compositions, other packages."""

ORDERS = (2, 4)
"""The Taylor orders at which the corpus is pushed along curves."""
