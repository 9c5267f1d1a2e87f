"""Arithmetic on whole numbers and truth values that compilers do themselves: the name of a primitive enters, the
function of NumPy that does the same leaves. Divisors must not be 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

ARITHMETIC: Mapping[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "floordiv": np.floor_divide,
    "mod": np.mod,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "neg": np.negative,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "where": np.where,
}
