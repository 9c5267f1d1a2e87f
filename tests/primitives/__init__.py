"""Tests of the table of primitives: values, derivatives, transposes and kinks against independent oracles."""
