"""Results: the flat arrays of a program enter, the value of its output type leaves; also as JSON, and by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

import numpy as np

from ..lang.types import Array, Record, SizeType, Tuple, Type
from .interpreter import Variant


def assemble(type_: Type, leaves: Iterator[Any]) -> Any:
    """The value of a type from its arrays: dicts for records, tuples for tuples, NumPy scalars for rank 0.

    >>> from ..lang.types import Scalar
    >>> assemble(Tuple((Scalar("f64"), Scalar("i64"))), iter([np.array(1.5), np.array(2)]))
    (1.5, 2)
    """
    match type_:
        case Array(_, element):
            return assemble(element, leaves)
        case Tuple(items, node):
            parts = [assemble(item, leaves) for item in items]
            return tuple(parts) if node is None else node.build(parts)
        case Record(fields):
            return {name: assemble(item, leaves) for name, item in fields}
        case SizeType():
            return ()
        case _:
            leaf = next(leaves)
            return leaf.item() if isinstance(leaf, np.ndarray) and leaf.ndim == 0 else leaf


def assembler(type_: Type) -> Callable[[Sequence[Any]], Any]:
    """`assemble` for one type, made once: from arrays and numbers in order to the value.

    >>> from ..lang.types import Scalar
    >>> assembler(Tuple((Scalar("f64"), Scalar("i64"))))([1.5, 2])
    (1.5, 2)
    """
    return _getter(type_, count())


def _getter(type_: Type, places: Iterator[int]) -> Callable[[Sequence[Any]], Any]:
    match type_:
        case Array(_, element):
            return _getter(element, places)
        case Tuple(items, node):
            parts = [_getter(item, places) for item in items]
            if node is not None:
                return lambda leaves: node.build([part(leaves) for part in parts])
            return lambda leaves: tuple([part(leaves) for part in parts])
        case Record(fields):
            named = [(name, _getter(item, places)) for name, item in fields]
            return lambda leaves: {name: part(leaves) for name, part in named}
        case SizeType():
            return lambda leaves: ()
        case _:
            return itemgetter(next(places))


def places(type_: Type, place: str) -> Iterator[str]:
    """The name of each leaf of a value: ``x``, ``x.0``, ``state.mu``."""
    match type_:
        case Array(_, element):
            yield from places(element, place)
        case Tuple(items):
            for index, item in enumerate(items):
                yield from places(item, f"{place}.{index}")
        case Record(fields):
            for name, item in fields:
                yield from places(item, f"{place}.{name}")
        case SizeType():
            return
        case _:
            yield place


def nonfinite_place(leaves: Sequence[Any], names: Sequence[str]) -> str | None:
    """The first element that is not finite, as ``x[2, 0] is nan``."""
    for given, name in zip(leaves, names, strict=True):
        leaf = np.asarray(given) if isinstance(given, float) else given
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and not np.isfinite(leaf).all():
            index = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(leaf))) if leaf.ndim else ()
            where = f"[{', '.join(map(str, index))}]" if index else ""
            return f"`{name}{where}` is {leaf[index]}"
    return None


def to_json(value: Any) -> Any:
    """A result as JSON data: arrays are nested lists, numbers that JSON lacks are the words nan, inf, -inf."""
    if isinstance(value, dict):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Variant):
        return {"constructor": value.tag, "fields": [to_json(item) for item in value.payload]}
    if isinstance(value, (np.ndarray, np.generic)):
        return to_json(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)
