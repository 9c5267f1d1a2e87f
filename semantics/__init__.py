"""Meaning: a program enters, what it denotes leaves, found by running it.

Reference, exact and interval evaluation, integrals, estimators and solvers. Imports `pushforward.lang`,
`pushforward.ad` and `pushforward.codegen`.
"""

if __name__ != "pushforward.semantics":
    raise ImportError(f"import pushforward.semantics, not {__name__}: two copies would share no classes")
