"""Native code inside JAX: a first-order program enters, a function of JAX arrays that runs its native code leaves.

The native code is registered with XLA under a name that the content of the program decides, so that what JAX compiles
and keeps means the same program wherever it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import jax

from ..lang.constants import numpy_dtype
from ..lang.ir import Program, as_array
from .llvm.compile import compile_llvm
from .llvm.ffi import Handler, handler

# XLA may call what was registered for as long as the process lives.
_registered: dict[str, Handler] = {}
_lock = Lock()


def target(program: Program) -> str:
    """The name under which XLA finds the native code of a program on CPUs; registers it when it is new.

    Raises the diagnostics of the llvm back end (E140, E141, E145, E146).
    """
    name = f"pushforward_{program.digest}"
    compiled = compile_llvm(program)
    with _lock:
        if name not in _registered:
            made = handler(compiled)
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(made.address), platform="cpu")
            _registered[name] = made
    return name


def native_function(program: Program) -> Callable[..., Sequence[Any]]:
    """The program as a function of JAX arrays that is one call of native code, for CPUs only.

    Where JAX computes in 32 bits, whole numbers of 64 bits are converted on the way in and out.
    """
    name = target(program)
    given = [numpy_dtype(as_array(type_).dtype) for type_ in program.inputs]
    types = [jax.ShapeDtypeStruct(as_array(t).shape, numpy_dtype(as_array(t).dtype)) for t in program.output_types]

    def function(*operands: Any) -> list[Any]:
        outside = [jax.dtypes.canonicalize_dtype(type_.dtype) for type_ in types]
        with jax.enable_x64(True):
            arrays = [jax.lax.convert_element_type(x, dtype) for x, dtype in zip(operands, given, strict=True)]
            results = jax.ffi.ffi_call(name, types)(*arrays)
            return [jax.lax.convert_element_type(y, dtype) for y, dtype in zip(results, outside, strict=True)]

    return function
