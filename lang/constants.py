"""Literals of programs: numbers and arrays as bytes, and back.

A literal is kept as the C-order, little-endian bytes of its elements, so that -0.0 and NaN compare exactly.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .ir import ArrayType, Constant, Step

if TYPE_CHECKING:
    import numpy as np

_FORMATS = {"f64": "<d", "f32": "<f", "i64": "<q", "bool": "<?"}


def constant_bytes(value: float | int | bool | np.ndarray, dtype: str) -> bytes:
    """The bytes of a scalar or array literal."""
    if isinstance(value, (bool, int, float)) and dtype in _FORMATS:
        return struct.pack(_FORMATS[dtype], value)
    import numpy as np

    return np.ascontiguousarray(np.asarray(value, numpy_dtype(dtype))).tobytes()


def scalar_value(step: Step) -> float | int | bool | None:
    """The number of a scalar constant step, or None."""
    if not isinstance(step.op, Constant):
        return None
    (type_,) = step.types
    if isinstance(type_, ArrayType) and not type_.shape:
        if type_.dtype in _FORMATS:
            return struct.unpack(_FORMATS[type_.dtype], step.op.data)[0]
    return None


def constant_value(op: Constant, type_: ArrayType) -> np.ndarray:
    """The literal as a NumPy array (a constant's shape is always known)."""
    import numpy as np

    shape = tuple(int(size) for size in type_.shape if isinstance(size, int))
    return np.frombuffer(op.data, numpy_dtype(type_.dtype)).reshape(shape)


def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype of an IR dtype."""
    import numpy as np

    if dtype == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype({"f64": "float64", "f32": "float32", "f16": "float16", "i64": "int64"}.get(dtype, dtype))
