"""The corpus of JAX programs that tracing is measured on: callables, primitives, compositions, other packages."""
