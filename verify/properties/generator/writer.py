"""The writer: types and scopes enter, expressions of these types leave as text.

An expression of a type is a leaf (a variable, a part of one, a literal) or a *move*: a form that the tables of the
sister files list by type, each a function of writer, type, scope and the depth that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ....lang.sizes import known
from ....lang.types import BOOL, F64, I64, Array, Data, Fun, Record, Tuple, Type, array, show_type
from .choices import Pick

Suite = Literal["smooth", "guarded"]
Item = TypeVar("Item")
LITERALS = ("0.5", "1.25", "(-0.75)", "0.3", "2.0", "(-1.1)", "0.05")
PAIR = Tuple((F64, F64))
RECORD = Record((("a", F64), ("b", array((2,), F64))))


@dataclass(frozen=True, slots=True)
class Variable:
    """A name in scope; an index variable is `below` a number."""

    name: str
    type: Type
    below: int | None = None


Scope = tuple[Variable, ...]
Move = Callable[["Writer", Any, Scope, int], str]


def option(item: Type = F64) -> Data:
    return Data("Option", (item,))


@dataclass
class Writer:
    """Writes expressions; `fuel` is the number of moves left, `order` how deep derivatives may still nest."""

    pick: Pick
    suite: Suite
    fuel: int
    order: int = 2
    needs: set[str] = field(default_factory=set)
    unused: dict[str, Variable] = field(default_factory=dict)
    count: int = 0

    # --- choosing ---

    def one_of(self, items: Sequence[Item]) -> Item:
        return items[self.pick(len(items))]

    def chance(self, one_in: int) -> bool:
        """True once in so many times; False is the simpler choice."""
        return self.pick(one_in) == one_in - 1

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def need(self, name: str) -> str:
        """A definition of the library, which the text must then contain."""
        self.needs.add(name)
        return name

    # --- expressions ---

    def expression(self, type_: Type, scope: Scope, depth: int) -> str:
        """An expression of a type."""
        moves = _moves(self, type_)
        if depth <= 0 or self.fuel <= 0 or not moves:
            return self.leaf(type_, scope)
        place = self.pick(len(moves) + 3)
        if place < 3:
            return self.leaf(type_, scope)
        self.fuel -= 1
        return moves[place - 3](self, type_, scope, depth - 1)

    def grown(self, type_: Type, scope: Scope, depth: int = 2) -> str:
        """An expression of a type that is no leaf, if the type has moves."""
        moves = _moves(self, type_)
        if not moves:
            return self.leaf(type_, scope)
        self.fuel -= 1
        return self.one_of(moves)(self, type_, scope, depth - 1)

    def number(self, scope: Scope, depth: int) -> str:
        return self.expression(F64, scope, depth)

    def leaf(self, type_: Type, scope: Scope) -> str:
        """A variable of the type or a part of one, unused ones first; failing that something made of literals."""
        if type_ == I64:
            return self.index(4, scope)
        found = [(variable, text) for variable in scope for text in self.parts(variable, type_, scope)]
        fresh = [(variable, text) for variable, text in found if variable.name in self.unused]
        if fresh and self.pick(2) == 0:
            found = fresh
        if not found:
            return self.literal(type_, scope)
        variable, text = found[-1 - self.pick(len(found))]
        self.unused.pop(variable.name, None)
        return text

    def parts(self, variable: Variable, type_: Type, scope: Scope) -> Iterator[str]:
        """How a value of the type is got from a variable."""
        if variable.type == type_:
            yield variable.name
        elif variable.type == option(type_):
            yield f"{self.need('value_or')}({variable.name}, {self.literal(type_, ())})"
        elif isinstance(variable.type, Tuple):
            yield from (f"{variable.name}.{k}" for k, item in enumerate(variable.type.items) if item == type_)
        elif isinstance(variable.type, Record):
            yield from (f"{variable.name}.{label}" for label, item in variable.type.fields if item == type_)
        elif isinstance(variable.type, Array):
            yield from self._elements(variable, variable.type, type_, scope)

    def _elements(self, variable: Variable, own: Array, type_: Type, scope: Scope) -> Iterator[str]:
        for rank in range(1, len(own.shape) + 1):
            element = array(own.shape[rank:], own.element)
            indices = [self.index(known(size), scope) for size in own.shape[:rank]]
            if element == type_:
                yield f"{variable.name}[{', '.join(indices)}]"
            elif isinstance(element, Tuple):
                for k, item in enumerate(element.items):
                    if item == type_:
                        yield f"{variable.name}[{', '.join(indices)}].{k}"

    def literal(self, type_: Type, scope: Scope) -> str:
        """A value without variables of the type (scalars may still use the scope)."""
        match type_:
            case Array(shape, element):
                inner = array(shape[1:], element)
                return f"[{', '.join(self.leaf(inner, scope) for _ in range(known(shape[0])))}]"
            case Tuple(items):
                return f"({', '.join(self.leaf(item, scope) for item in items)})"
            case Record(fields):
                return "{" + ", ".join(f"{label} = {self.leaf(item, scope)}" for label, item in fields) + "}"
            case Data(name, arguments):
                return self._variant(name, arguments, scope)
            case Fun(parameters, result):
                return self.function(parameters, result, scope, 1)
            case _ if type_ == BOOL:
                return self.parity(scope)
            case _ if type_ == I64:
                return str(self.pick(4))
            case _:
                return self.one_of(LITERALS)

    def _variant(self, name: str, arguments: Sequence[Type], scope: Scope) -> str:
        self.need(name)
        values = [self.leaf(item, scope) for item in arguments]
        match name:
            case "Option":
                return f"Just({values[0]})"
            case "Either":
                return f"First({values[0]})" if self.pick(2) == 0 else f"Second({values[1]})"
            case "List":
                items = [values[0], *(self.leaf(arguments[0], scope) for _ in range(self.pick(3)))]
                return "".join(f"Item({item}, " for item in items) + "Empty" + ")" * len(items)
            case _:
                values.extend(self.leaf(arguments[0], scope) for _ in range(self.pick(3)))
                leaves = [f"Leaf({value})" for value in values]
                while len(leaves) > 1:
                    left, right = leaves.pop(0), leaves.pop(0)
                    leaves.insert(self.pick(len(leaves) + 1), f"Node({left}, {right})")
                return leaves[0]

    def index(self, length: int, scope: Scope) -> str:
        """An index into an axis: a literal, an index variable that is small enough, or data brought into range."""
        fitting = [v.name for v in scope if v.below is not None and v.below <= length]
        data = [v for v in scope if v.type == I64 and v.below is None or v.type == array((3,), I64)]
        how = self.pick(8)
        if fitting and how >= 3:
            return fitting[-1 - self.pick(len(fitting))]
        if data and how >= 1:
            return f"{self.whole(self.one_of(data), scope)} % {length}"
        return str(self.pick(length))

    def parity(self, scope: Scope) -> str:
        """A condition on integers, data where there is some."""
        data = [v for v in scope if v.type == I64 or v.type == array((3,), I64)]
        number = self.whole(self.one_of(data), scope) if data else "3"
        return f"{number} % 2 == {self.pick(2)}"

    def whole(self, variable: Variable, scope: Scope) -> str:
        """An integer that is data."""
        self.unused.pop(variable.name, None)
        if variable.type == I64:
            return variable.name
        inside = [v.name for v in scope if v.below is not None and v.below <= 3]
        return f"{variable.name}[{self.one_of(inside) if inside else self.pick(3)}]"

    def function(self, parameters: Sequence[Type], result: Type, scope: Scope, depth: int) -> str:
        """A lambda with a written body."""
        names = [self.fresh("t") for _ in parameters]
        inner = (*scope, *(Variable(name, type_) for name, type_ in zip(names, parameters, strict=True)))
        self.unused.update((v.name, v) for v in inner[len(scope) :])
        body = self.grown(result, inner, depth) if depth > 0 else self.leaf(result, inner)
        for name in names:
            self.unused.pop(name, None)
        shown = ", ".join(f"{name}: {show_type(type_)}" for name, type_ in zip(names, parameters, strict=True))
        return f"(fn ({shown}) => {body})"


# --- the tables ---------------------------------------------------------------------------------------------

SMOOTH: dict[str, list[Move]] = {}
GUARDED: dict[str, list[Move]] = {}


def kind_of(type_: Type) -> str:
    """The key of a type in the tables of moves."""
    match type_:
        case Array(shape, element) if element == F64 and len(shape) < 3:
            return ("vector", "matrix")[len(shape) - 1]
        case Array():
            return "array"
        case Data():
            return "data"
        case Tuple() | Record():
            return "product"
        case Fun():
            return "function"
        case _:
            return str(show_type(type_))


def _moves(writer: Writer, type_: Type) -> list[Move]:
    kind = kind_of(type_)
    both = SMOOTH.get(kind, [])
    return both if writer.suite == "smooth" else [*both, *GUARDED.get(kind, [])]


def moves(kind: str, *functions: Move, guarded: bool = False) -> None:
    """Enter moves into the tables."""
    (GUARDED if guarded else SMOOTH).setdefault(kind, []).extend(functions)


def form(text: str, *types: Type) -> Move:
    """The move of a fixed form: ``{0}``, ``{1}`` stand for expressions of the types."""

    def move(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
        return text.format(*(writer.expression(item, scope, depth) for item in types))

    return move


def like(text: str, count: int = 1) -> Move:
    """The move of a fixed form over expressions of the type itself."""

    def move(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
        return text.format(*(writer.expression(type_, scope, depth) for _ in range(count)))

    return move
