"""Readers and seeded generators of the public data formats that examples and benchmarks use."""
