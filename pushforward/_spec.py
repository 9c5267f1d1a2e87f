"""Types of example arguments whose sizes are open: a type as text enters, what `trace` takes for an example leaves."""

from __future__ import annotations

from typing import Any

import jax

from .lang import _jax
from .lang.constants import numpy_dtype
from .lang.diagnostics import fail
from .lang.source import Source
from .lang.text.cursor import Cursor, lines_of
from .lang.text.parse_types import surface_type
from .lang.types import Array, Record, Scalar, Tuple, Type, show_type


def spec(text: str) -> Any:
    """An example argument of a type as the language writes it; sizes may be names, which stay open.

    A program traced with it is for arrays of all sizes: ``n`` is one size in all the specs of a trace, and a call
    reads it off its arrays. Open sizes are at least one (a call with an empty axis is E106), and while Python runs two
    different sizes count as unequal. Tuples and records give tuples and dicts of examples. Raises E117 for a text that
    is no type and E186 for a type that arrays do not have.

    >>> import jax.numpy as jnp, numpy as np
    >>> import pushforward as pf
    >>> program = pf.trace(lambda w, x: jnp.tanh(x @ w).mean(), pf.spec("[m]f64"), pf.spec("[n, m]f64"))
    >>> print(program)
    function(w: [m]f64, x: [n, m]f64): f64
    >>> round(program(np.ones(2), np.ones((3, 2)) / 4), 6), round(program(np.ones(4), np.zeros((1, 4))), 6)
    (0.462117, 0.0)
    """
    source = Source("<spec>", text)
    lines = lines_of(source)
    if len(lines) != 1:
        raise fail("E117", "a spec is one type on one line", hint='write, for example, pf.spec("[n, m]f64")')
    cursor = Cursor(source, lines[0])
    type_ = surface_type(cursor)
    if cursor.next.kind != "end":
        raise cursor.error("expected the end of the type")
    return _example(type_)


def _example(type_: Type) -> Any:
    match type_:
        case Tuple(items):
            return tuple(_example(item) for item in items)
        case Record(fields):
            return {name: _example(item) for name, item in fields}
        case Array(shape, Scalar(dtype)):
            return jax.ShapeDtypeStruct(tuple(map(_jax.open_size, shape)), _dtype(dtype))
        case Scalar(dtype):
            return jax.ShapeDtypeStruct((), _dtype(dtype))
    hint = 'give arrays, tuples and records of them, such as pf.spec("(f64, [n]f64)")'
    raise fail("E186", f"there is no example of the type {show_type(type_)}", hint=hint)


def _dtype(name: str) -> Any:
    try:
        dtype = numpy_dtype(name)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "fiubV":
        raise fail("E186", f"there is no array of `{name}`", hint="elements are f64, f32, i64, bool, or a dtype of JAX")
    return dtype
