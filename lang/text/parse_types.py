"""Read types, literals and parameters of the text form of programs from a `Cursor`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from ..ir import ArrayType, DataType, FunType, Param, Params, SlotType
from ..sizes import Size
from ..types import Array, Data, Fun, Record, Scalar, SizeType, Tuple, Type, Var
from .cursor import Cursor
from .print_ir import FORMATS

Item = TypeVar("Item")


def several(c: Cursor, close: str, read: Callable[[Cursor], Item]) -> tuple[Item, ...]:
    """Items between commas up to and with the mark `close`; the opening mark has been read."""
    items: list[Item] = []
    while not c.accept(close):
        if items:
            c.expect(",")
            if c.accept(close):
                break
        items.append(read(c))
    return tuple(items)


def _size(c: Cursor) -> Size:
    return c.size()


def slot_type(c: Cursor) -> SlotType:
    """The type of a slot, as `show_slot_type` writes it."""
    if c.accept("("):
        inputs = several(c, ")", slot_type)
        c.expect("->")
        c.expect("(")
        return FunType(inputs, several(c, ")", slot_type))
    if c.accept("data"):
        tangent = 0
        while c.sees("T") and c.line.tokens[c.at + 1].kind in ("name", "string"):
            c.take()
            tangent += 1
        return DataType(_data(c), tangent)
    shape = several(c, "]", _size) if c.accept("[") else ()
    return ArrayType(c.name(), shape)


def _data(c: Cursor) -> Data:
    name = c.name()
    return Data(name, several(c, "]", surface_type) if c.accept("[") else ())


def surface_type(c: Cursor) -> Type:
    """A type of a signature, as `print_ir.show_type` writes it."""
    if c.accept("["):
        shape = several(c, "]", _size)
        return Array(shape, surface_type(c))
    if c.accept("("):
        items = several(c, ")", surface_type)
        return Fun(items, surface_type(c)) if c.accept("->") else Tuple(items)
    if c.accept("{"):
        return Record(several(c, "}", field))
    if c.accept("data"):
        return _data(c)
    if c.accept("'"):
        return Var(c.name())
    return SizeType() if c.accept("size") else Scalar(c.name())


def field(c: Cursor) -> tuple[str, Type]:
    """``name: type``."""
    name = c.name()
    c.expect(":")
    return name, surface_type(c)


# --- literals -----------------------------------------------------------------------------------------------


def literal(c: Cursor, type_: ArrayType) -> bytes:
    """The bytes of ``[[1.0, 2.0], [3.0, 4.0]]``, whose nesting must be that of the shape."""
    if type_.dtype not in FORMATS:
        raise c.error(f"literals of {type_.dtype} are written as bytes")
    return _nested(c, type_.shape, type_.dtype)


def _nested(c: Cursor, shape: tuple[Size, ...], dtype: str) -> bytes:
    if not shape:
        return _number(c, dtype)
    start = c.next
    c.expect("[")
    rows = several(c, "]", lambda inner: _nested(inner, shape[1:], dtype))
    if len(rows) != shape[0]:
        raise c.error(f"expected {shape[0]} items, found {len(rows)}", start)
    return b"".join(rows)


def _number(c: Cursor, dtype: str) -> bytes:
    token = c.next
    form = FORMATS[dtype]
    try:
        if token.kind == "hex":
            data = bytes.fromhex(c.take().text[2:])[::-1]
            if len(data) != struct.calcsize(form):
                raise ValueError
            return data
        if dtype == "bool":
            if not c.sees("true", "false"):
                raise ValueError
            return struct.pack(form, c.take().text == "true")
        negative = c.accept("-")
        word = c.take().text
        value = int(word) if dtype == "i64" else float(word)
        return struct.pack(form, -value if negative else value)
    except (ValueError, OverflowError, struct.error):
        raise c.error(f"`{token.text}` does not start a number of type {dtype}", token) from None


# --- parameters ---------------------------------------------------------------------------------------------


def params(c: Cursor) -> Params:
    """``{name: value, …}`` if it follows."""
    return several(c, "}", _entry) if c.accept("{") else ()


def _entry(c: Cursor) -> tuple[str, Param]:
    name = c.name()
    c.expect(":")
    return name, param(c)


def param(c: Cursor) -> Param:
    """A parameter, as `show_param` writes it."""
    if c.accept("none"):
        return None
    if c.sees("true", "false"):
        return c.take().text == "true"
    if c.next.kind == "string":
        return c.string()
    if c.accept("("):
        return several(c, ")", param)
    if c.accept("@"):
        return _non_finite(c)
    return _float(c) if _is_float(c) else c.size()


def _non_finite(c: Cursor) -> float:
    sign = -1.0 if c.accept("-") else 1.0
    if not c.sees("inf", "nan"):
        raise c.error(f"expected `inf` or `nan`, found `{c.next.text}`")
    return sign * float(c.take().text)


def _is_float(c: Cursor) -> bool:
    token = c.line.tokens[c.at + 1] if c.sees("-") else c.next
    return token.kind == "number" and not token.text.isdigit()


def _float(c: Cursor) -> float:
    sign = -1.0 if c.accept("-") else 1.0
    return sign * float(c.take().text)
