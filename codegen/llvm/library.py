"""Functions of f64 numbers that are called, not written out: a name and scalars enter, a call leaves.

They come from the C library, and from SciPy, which exports its functions to Cython with their addresses, where C has
none.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from functools import cache

from llvmlite import binding, ir

from ...lang.diagnostics import InternalError
from .code import Code, Number
from .dtypes import F64

BORROWED: Mapping[str, str] = {
    "erf_inv": "erfinv",
    "digamma": "psi",
    "bessel_i0e": "i0e",
    "bessel_i1e": "i1e",
    "igamma": "gammainc",
    "igammac": "gammaincc",
    "betainc": "betainc",
}
_SKIP = ir.Constant(ir.IntType(32), 0)  # Cython's flag that asks for overriding methods, of which there are none


def call(code: Code, name: str, *xs: Number) -> Number:
    """The function at scalars."""
    if name not in BORROWED:
        return code.b.call(code.unit.external(name, F64, [F64] * len(xs)), xs)
    make_known(name)
    function = code.unit.external(_symbol(name), F64, [*[F64] * len(xs), _SKIP.type])
    return code.b.call(function, [*xs, _SKIP])


def borrowed(module: ir.Module) -> list[str]:
    """The functions that a module calls in SciPy, which are there in this process only."""
    return [name for name in BORROWED if _symbol(name) in module.globals]


def make_known(name: str) -> None:
    """Tell LLVM where a function of SciPy stands."""
    binding.add_symbol(_symbol(name), _address(BORROWED[name]))


def named_in(text: str) -> tuple[str, ...]:
    """The functions of SciPy that a module calls."""
    return tuple(name for name in BORROWED if f'@"{_symbol(name)}"' in text)


def _symbol(name: str) -> str:
    return f"pushforward_{name}"


@cache
def _address(name: str) -> int:
    from scipy.special import cython_special

    api = ctypes.pythonapi
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", api))
    for key, capsule in cython_special.__pyx_capi__.items():
        signature = get_name(capsule)
        kinds = re.fullmatch(rb"double \((?:double, )+int \w+\)", signature)
        if kinds and re.fullmatch(rf"(__pyx_fuse_\d+)?{name}", key):
            return get_pointer(capsule, signature)
    raise InternalError(f"SciPy exports no {name} of f64 numbers")
