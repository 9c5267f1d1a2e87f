"""Programs inside JAX."""
