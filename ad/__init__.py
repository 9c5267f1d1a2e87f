"""Differentiation: a program enters, a program leaves.

Forward and reverse mode, Taylor series, vectorisation, operator plans, functional and implicit derivatives.
Imports `pushforward.lang` only.
"""

if __name__ != "pushforward.ad":
    raise ImportError(f"import pushforward.ad, not {__name__}: two copies would share no classes")
