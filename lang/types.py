"""Types of the language, as the checker infers them and as signatures of programs carry them.

Arrays nest flat (``[n][m]f64`` is ``[n, m]f64``). `Record` keeps its field order. `Var` is a type variable of a
polymorphic definition (rigid) or an unknown of the checker (its name starts with ``?``). At the level of the IR only
array types are left: `leaves` lists them, with arrays of tuples turned into tuples of arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .sizes import Size, show, substitute

FLOATS = ("f64", "f32")


@dataclass(frozen=True, slots=True)
class Scalar:
    """``f64``, ``f32``, ``i64`` or ``bool`` (the IR knows every NumPy dtype name)."""

    dtype: str


@dataclass(frozen=True, slots=True)
class Array:
    """``[n, m]element``; `element` is never an `Array` (use `array`)."""

    shape: tuple[Size, ...]
    element: Type


class Node(Protocol):
    """How the host language keeps the parts of a value: takes them out of one, and builds one from them."""

    def parts(self, value: Any) -> Sequence[Any]: ...
    def build(self, parts: Sequence[Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple; with a `node`, a value of the host language that holds these parts (a list, an object, a key)."""

    items: tuple[Type, ...]
    node: Node | None = field(default=None, compare=False, repr=False)

    def with_items(self, items: Iterable[Type]) -> Tuple:
        """The same structure with parts of other types."""
        return Tuple(tuple(items), self.node)


@dataclass(frozen=True, slots=True)
class Record:
    fields: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class Fun:
    """``(a, b) -> c``; `parameters` has one entry per argument."""

    parameters: tuple[Type, ...]
    result: Type


@dataclass(frozen=True, slots=True)
class Data:
    """A declared variant type applied to its arguments."""

    name: str
    arguments: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Var:
    name: str


@dataclass(frozen=True, slots=True)
class SizeType:
    """The type of a ``n: size`` parameter: a static, non-negative integer usable in shapes."""


Type = Scalar | Array | Tuple | Record | Fun | Data | Var | SizeType

F64, F32, I64, BOOL = Scalar("f64"), Scalar("f32"), Scalar("i64"), Scalar("bool")
UNIT = Tuple(())


def array(shape: tuple[Size, ...], element: Type) -> Type:
    """``[shape]element`` in flat form; an empty shape is the element itself."""
    if isinstance(element, Array):
        return Array(shape + element.shape, element.element)
    return Array(shape, element) if shape else element


def substitute_type(type_: Type, types: Mapping[str, Type], sizes: Mapping[str, Size]) -> Type:
    """Replace type variables and size variables."""
    match type_:
        case Var(name):
            return types.get(name, type_)
        case Array(shape, element):
            inner = substitute_type(element, types, sizes)
            return array(tuple(substitute(size, sizes) for size in shape), inner)
        case Tuple(items):
            return Tuple(tuple(substitute_type(item, types, sizes) for item in items), type_.node)
        case Record(fields):
            return Record(tuple((name, substitute_type(item, types, sizes)) for name, item in fields))
        case Fun(parameters, result):
            inputs = tuple(substitute_type(item, types, sizes) for item in parameters)
            return Fun(inputs, substitute_type(result, types, sizes))
        case Data(name, arguments):
            return Data(name, tuple(substitute_type(item, types, sizes) for item in arguments))
        case _:
            return type_


def show_type(type_: Type) -> str:
    """The type as the language writes it."""
    match type_:
        case Scalar(dtype):
            return dtype
        case Array(shape, element):
            return f"[{', '.join(show(size) for size in shape)}]{show_type(element)}"
        case Tuple(items):
            return f"({', '.join(show_type(item) for item in items)})"
        case Record(fields):
            return "{" + ", ".join(f"{name}: {show_type(item)}" for name, item in fields) + "}"
        case Fun(parameters, result):
            inputs = ", ".join(show_type(item) for item in parameters)
            bare = len(parameters) == 1 and not isinstance(parameters[0], Fun)  # `->` groups to the right
            return f"{inputs if bare else f'({inputs})'} -> {show_type(result)}"
        case Data(name, arguments):
            return name + (f"[{', '.join(show_type(item) for item in arguments)}]" if arguments else "")
        case Var(name):
            return name
        case SizeType():
            return "size"
