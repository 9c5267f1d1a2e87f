"""Where CPython and NumPy keep the fields of their objects, and the addresses of what native code calls in them.

The places are those of `PyObject`, `PyFloatObject` and of `PyArrayObject_fields` in NumPy's `ndarraytypes.h`;
`layout_holds` compares them with live objects before any of it is used.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

from ...lang.constants import numpy_dtype

# Places of fields, in bytes.
TYPE, NUMBER = 8, 16
DATA, RANK, SHAPE, DTYPE, FLAGS = 16, 24, 32, 56, 64
DENSE = 0x1 | 0x100  # NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED

# The table: types, then functions of CPython and of the C library, then dtypes.
FUNCTIONS = (
    "PyFloat_FromDouble PyLong_FromLongLong PyBool_FromLong PyTuple_New PyTuple_SetItem Py_IncRef "
    "PyEval_SaveThread PyEval_RestoreThread"
).split()
DTYPES = "f64 f32 i64 bool int32 int16 int8 uint8 uint16 uint32 uint64".split()
ENTRIES = ["ndarray", "float", "None", "True", *FUNCTIONS, *DTYPES]


@cache
def layout_holds() -> bool:
    """Whether objects of this interpreter have their fields where this module reads them."""
    if sys.implementation.name != "cpython" or getattr(sys, "abiflags", "") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False  # debug and free-threaded builds have other fields in front
    number, array = 1.5, np.arange(6.0).reshape(2, 3)

    def field(value: object, place: int, kind: Any = ctypes.c_int64) -> Any:
        return kind.from_address(id(value) + place).value

    shape = field(array, SHAPE)
    return (
        field(number, TYPE) == id(float)
        and field(number, NUMBER, ctypes.c_double) == number
        and field(array, TYPE) == id(np.ndarray)
        and field(array, DATA) == array.ctypes.data
        and field(array, RANK, ctypes.c_int32) == 2
        and [ctypes.c_int64.from_address(shape + 8 * k).value for k in range(2)] == [2, 3]
        and field(array, DTYPE) == id(np.dtype("float64"))
        and field(array, FLAGS, ctypes.c_int32) & DENSE == DENSE
        and field(array.T, FLAGS, ctypes.c_int32) & DENSE != DENSE
    )


@cache
def table() -> np.ndarray:
    """The addresses that the function reads."""

    def address(name: str) -> int:
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0

    types = [id(np.ndarray), id(float), id(None), id(True)]
    return np.array([*types, *map(address, FUNCTIONS), *(id(numpy_dtype(name)) for name in DTYPES)], np.uint64)
