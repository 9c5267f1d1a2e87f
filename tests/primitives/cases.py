"""The cases of rows under the name that tests here know; they stand in `pushforward.verify.cases`."""

from pushforward.verify.cases import (
    CONVOLUTIONS,
    CURVED,
    FACTORISATIONS,
    FULL_WINDOWS,
    LINEAR,
    WINDOWS,
    WITHOUT_DERIVATIVE,
    Case,
)

__all__ = [
    "CONVOLUTIONS",
    "CURVED",
    "FACTORISATIONS",
    "FULL_WINDOWS",
    "LINEAR",
    "WINDOWS",
    "WITHOUT_DERIVATIVE",
    "Case",
]
