"""Checkers of certificates: small, without search, and independent of the code that makes what they check."""
