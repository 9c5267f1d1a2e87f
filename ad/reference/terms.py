"""Terms of the reference macro: what the target language of the paper has, and no more.

Variables, tuples, n-ary functions, let, primitives, and the array operators map, reduce by ``+``, scanl, scanr and
the two shifts (Huot & Shaikhha 2022, arXiv 2212.09801, the target language and its appendix on folds). `Zero` and
`One` are only ever written by the macro, so that rules about them cannot touch a zero of the program, which may
meet an infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...lang.diagnostics import InternalError
from ...lang.ir import Apply, ArrayType, Constant, SizeValue
from ...lang.params import Param
from ...lang.primitives import result_types
from ...lang.sizes import Size, add, sub


@dataclass(frozen=True, slots=True)
class Var:
    """A variable; a function or a tuple has no array type."""

    name: str
    type: ArrayType | None = None


@dataclass(frozen=True, slots=True)
class Zero:
    type: ArrayType


@dataclass(frozen=True, slots=True)
class One:
    type: ArrayType


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal of the program."""

    op: Constant | SizeValue
    type: ArrayType


@dataclass(frozen=True, slots=True)
class Prim:
    op: Apply
    args: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Tuple:
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Proj:
    index: int
    tuple: Term


@dataclass(frozen=True, slots=True)
class Lam:
    params: tuple[Var, ...]
    body: Term


@dataclass(frozen=True, slots=True)
class App:
    function: Term
    args: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Let:
    var: Var
    value: Term
    body: Term


@dataclass(frozen=True, slots=True)
class Map:
    """``body`` for every position; `params` are one element of each array, then the position."""

    size: Size
    params: tuple[Var, ...]
    body: Term
    arrays: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Reduce:
    """The sum over the leading axis."""

    array: Term


@dataclass(frozen=True, slots=True)
class ScanL:
    """All ``size + 1`` states of a fold, the first one being `initial`; `params`: elements, the state, the position."""

    size: Size
    params: tuple[Var, ...]
    body: Term
    initial: Term
    arrays: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class ScanR:
    """Products of all elements from each position on, and 1 at the end: length n gives n + 1."""

    array: Term


@dataclass(frozen=True, slots=True)
class Shift:
    """The array without its first (`left`) or without its last element."""

    left: bool
    array: Term


@dataclass(frozen=True, slots=True)
class End:
    """The first or the last element of an array."""

    first: bool
    array: Term


Term = Var | Zero | One | Literal | Prim | Tuple | Proj | Lam | App | Let | Map | Reduce | ScanL | ScanR | Shift | End


class Names:
    """Fresh variables: no binder ever gets a name twice, so substitution cannot capture."""

    def __init__(self) -> None:
        self.count = 0

    def fresh(self, letter: str, type_: ArrayType | None = None) -> Var:
        self.count += 1
        return Var(f"{letter}{self.count}", type_)


def apply(primitive: str, *args: Term, **params: Param) -> Prim:
    """A primitive on terms."""
    return Prim(Apply(primitive, tuple(sorted(params.items()))), args)


def type_of(term: Term) -> ArrayType:
    """The type of a term that stands for an array."""
    match term:
        case Zero(type_) | One(type_) | Literal(_, type_):
            return type_
        case Var(_, type_) if type_ is not None:
            return type_
        case Prim(op, args):
            return result_types(op.primitive, tuple(type_of(arg) for arg in args), op.params)[0]
        case Let(_, _, body):
            return type_of(body)
        case Map(size, _, body):
            return stacked(type_of(body), size)
        case Reduce(array) | End(_, array):
            type_ = type_of(array)
            return type_.with_shape(type_.shape[1:])
        case ScanL(size, _, _, initial):
            return stacked(type_of(initial), add(size, 1))
        case ScanR(array):
            return _longer(type_of(array), 1)
        case Shift(_, array):
            return _longer(type_of(array), -1)
        case _:
            raise InternalError(f"{type(term).__name__} is not an array")


def stacked(type_: ArrayType, size: Size) -> ArrayType:
    return type_.with_shape((size, *type_.shape))


def _longer(type_: ArrayType, by: int) -> ArrayType:
    return type_.with_shape((add(type_.shape[0], by) if by > 0 else sub(type_.shape[0], -by), *type_.shape[1:]))


_PARTS = {
    Prim: ("args",),
    Tuple: ("items",),
    Proj: ("tuple",),
    Lam: ("body",),
    App: ("function", "args"),
    Let: ("value", "body"),
    Map: ("body", "arrays"),
    Reduce: ("array",),
    ScanL: ("body", "initial", "arrays"),
    ScanR: ("array",),
    Shift: ("array",),
    End: ("array",),
}
"""The fields that hold terms, or tuples of terms."""


def children(term: Term) -> Iterator[Term]:
    """The terms directly inside a term."""
    for name in _PARTS.get(type(term), ()):
        value = getattr(term, name)
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def map_children(function: Callable[[Term], Term], term: Term) -> Term:
    """The term with a function applied to the terms directly inside it; itself when nothing changes."""
    changed: dict[str, object] = {}
    for name in _PARTS.get(type(term), ()):
        value = getattr(term, name)
        if isinstance(value, tuple):
            items = tuple([function(item) for item in value])
            if any(a is not b for a, b in zip(items, value, strict=True)):
                changed[name] = items
        else:
            new = function(value)
            if new is not value:
                changed[name] = new
    return replace(term, **changed) if changed else term


def substitute(term: Term, values: dict[str, Term]) -> Term:
    """Replace variables by terms."""
    if isinstance(term, Var):
        return values.get(term.name, term)
    return map_children(lambda inner: substitute(inner, values), term)


def occurs(term: Term, name: str) -> bool:
    """Whether a variable occurs."""
    if isinstance(term, Var):
        return term.name == name
    return any(occurs(inner, name) for inner in children(term))
