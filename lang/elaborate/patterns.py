"""Patterns: `bind` takes a value apart, `match` chooses among arms.

`match` compiles rows of patterns column by column (Augustsson 1985; Maranget 2008, with the first refutable column of
the first row): a constructor becomes a `Branch` on the variant, a number an equality and a `Branch` on its truth. A
column is a hidden name of the scope, so that bodies capture columns as they capture any name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..diagnostics import InternalError
from ..ir import BOOL, I64, Branch, SlotType, leaves
from ..surface import ast
from ..typed import CheckedData, ConstructorName
from ..types import Array, Data, Record, Tuple, Type, array, substitute_type
from .dispatch import expression, handles
from .free import names_of
from .scope import Body, Scope, Value, closed, split


def parts(type_: Type) -> tuple[tuple[str, Type], ...]:
    """The parts of a tuple or record type by name (tuple places are ``"0"``, ``"1"``, …); also of arrays of them."""
    match type_:
        case Tuple(items):
            return tuple((str(place), item) for place, item in enumerate(items))
        case Record(fields):
            return fields
        case Array(shape, element):
            return tuple((name, array(shape, item)) for name, item in parts(element))
        case _:
            raise InternalError(f"{type_} has no parts")


def part(type_: Type, field: str) -> tuple[slice, Type]:
    """Where the slots of one part lie in the value, and its type."""
    start = 0
    for name, item in parts(type_):
        width = len(leaves(item))
        if name == field:
            return slice(start, start + width), item
        start += width
    raise InternalError(f"{type_} has no part {field}")


def bind(scope: Scope, pattern: ast.Pattern, type_: Type, value: Value) -> None:
    """Give the names of an irrefutable pattern their slots."""
    match pattern:
        case ast.PatternName(name=name):
            scope.env[name] = value
        case ast.PatternTuple(items=items):
            inner = [item for _, item in parts(type_)]
            for item, item_type, slots in zip(items, inner, split(value, inner), strict=True):
                bind(scope, item, item_type, slots)
        case ast.PatternRecord(names=names):
            for name in names:
                scope.env[name] = value[part(type_, name)[0]]
        case _:
            raise InternalError(f"refutable pattern at {pattern.span}")


@dataclass(frozen=True, slots=True)
class Row:
    """One arm in the making: patterns still to test by hidden name, names already bound to hidden names."""

    columns: tuple[tuple[str, Type, ast.Pattern], ...]
    binds: tuple[tuple[str, str], ...]
    body: ast.Expr


@handles(ast.Match)
def match(scope: Scope, node: ast.Match) -> Value:
    """The value of the first arm whose pattern fits the subject."""
    hidden = f"${node.span.start}"
    scope.env[hidden] = expression(scope, node.subject)
    type_ = scope.context.type(node.subject)
    rows = [Row(((hidden, type_, arm.pattern),), (), arm.body) for arm in node.arms]
    value = _choose(scope, rows)
    for name in [name for name in scope.env if name == hidden or name.startswith(hidden + ".")]:
        del scope.env[name]
    return value


def _choose(scope: Scope, rows: Sequence[Row]) -> Value:
    rows = [_simplified(scope, row) for row in rows]
    first = rows[0]
    if not first.columns:
        shadowed = {name: scope.env.get(name) for name, _ in first.binds}
        scope.env.update({name: scope.env[hidden] for name, hidden in first.binds})
        value = expression(scope, first.body)
        _restore(scope, shadowed)
        return value
    hidden, type_, pattern = first.columns[0]
    if isinstance(pattern, ast.PatternNumber):
        return _by_number(scope, rows, hidden, pattern.value)
    assert isinstance(type_, Data)
    return _by_constructor(scope, rows, hidden, type_)


def _restore(scope: Scope, shadowed: dict[str, Value | None]) -> None:
    for name, value in shadowed.items():
        if value is None:
            del scope.env[name]
        else:
            scope.env[name] = value


def _simplified(scope: Scope, row: Row) -> Row:
    """Turn name columns into binds and tuple columns into their parts, until only refutable columns are left."""
    columns: list[tuple[str, Type, ast.Pattern]] = []
    binds = list(row.binds)
    waiting = list(reversed(row.columns))
    while waiting:
        hidden, type_, pattern = waiting.pop()
        match pattern:
            case ast.PatternName(name=name):
                binds += [] if name == "_" else [(name, hidden)]
            case ast.PatternTuple(items=items):
                named = parts(type_)
                inner = []
                for (place, item_type), item in zip(named, items, strict=True):
                    own = f"{hidden}.{place}"
                    scope.env[own] = scope.env[hidden][part(type_, place)[0]]
                    inner.append((own, item_type, item))
                waiting.extend(reversed(inner))
            case ast.PatternRecord(names=names):
                for name in names:
                    scope.env[f"{hidden}.{name}"] = scope.env[hidden][part(type_, name)[0]]
                    binds.append((name, f"{hidden}.{name}"))
            case _:
                columns.append((hidden, type_, pattern))
    return Row(tuple(columns), tuple(binds), row.body)


def _names(scope: Scope, rows: Sequence[Row]) -> set[str]:
    """What the bodies and remaining columns of rows read."""
    names: set[str] = set()
    for row in rows:
        bound = {name for name, _ in row.binds}
        bound.update(name for _, _, pattern in row.columns for name in names_of(pattern))
        names |= scope.context.free.under(row.body, bound)
        names.update(hidden for hidden, _, _ in row.columns)
        names.update(hidden for _, hidden in row.binds)
    return names


def _by_number(scope: Scope, rows: Sequence[Row], hidden: str, number: int) -> Value:
    """Test one number: the rows that test it lose the column where it is equal and drop out where it is not."""
    equal = [kept for row in rows if (kept := _with_number(row, hidden, number)) is not None]
    unequal = [row for row in rows if number not in _numbers(row, hidden)]
    (slot,) = scope.env[hidden]
    selector = scope.builder.apply("eq", slot, scope.builder.constant(number, "i64"))
    arms = [unequal, equal]
    bodies = [Body((), lambda inner, _, kept=kept: _choose(inner, kept)) for kept in arms]
    assert scope.builder.types[selector] == BOOL and scope.builder.types[slot] == I64
    captures, programs = closed(scope, "match", _names(scope, rows), bodies)
    return scope.builder.branch(selector, captures, programs)


def _numbers(row: Row, hidden: str) -> tuple[int, ...]:
    """The number a row tests a column for, if any."""
    return tuple(
        pattern.value for name, _, pattern in row.columns if name == hidden and isinstance(pattern, ast.PatternNumber)
    )


def _with_number(row: Row, hidden: str, number: int) -> Row | None:
    tested = _numbers(row, hidden)
    if tested and tested[0] != number:
        return None
    return Row(tuple(column for column in row.columns if column[0] != hidden), row.binds, row.body)


def _by_constructor(scope: Scope, rows: Sequence[Row], hidden: str, type_: Data) -> Value:
    data = scope.context.environment.data(type_.name)
    bodies = []
    names: set[str] = set()
    for tag in range(len(data.constructors)):
        fields = constructor_fields(data, type_, tag)
        kept = [fitting for row in rows if (fitting := _with_tag(scope, row, hidden, tag, fields)) is not None]
        names |= _names(scope, kept)
        inputs: list[SlotType] = [leaf for item in fields for leaf in leaves(item)]
        bodies.append(Body(inputs, _arm(kept, hidden, tag, fields)))
    (selector,) = scope.env[hidden]
    captures, programs = closed(scope, "match", names, bodies)
    types = programs[0].output_types
    return scope.builder.emit(Branch(programs), (selector, *captures), types)


def _arm(rows: Sequence[Row], hidden: str, tag: int, fields: tuple[Type, ...]) -> Callable[[Scope, Value], Value]:
    def write(inner: Scope, payload: Value) -> Value:
        for place, slots in enumerate(split(payload, fields)):
            inner.env[f"{hidden}.{tag}.{place}"] = slots
        return _choose(inner, rows)

    return write


def _with_tag(scope: Scope, row: Row, hidden: str, tag: int, fields: tuple[Type, ...]) -> Row | None:
    """The row as seen where the column has the constructor `tag`: None when its pattern names another one."""
    for place, (name, _, pattern) in enumerate(row.columns):
        if name != hidden:
            continue
        assert isinstance(pattern, ast.PatternConstructor)
        meaning = scope.context.meaning(pattern)
        assert isinstance(meaning, ConstructorName)
        if meaning.tag != tag:
            return None
        inner = tuple(
            (f"{hidden}.{tag}.{position}", item, below)
            for position, (item, below) in enumerate(zip(fields, pattern.items, strict=True))
        )
        return Row(row.columns[:place] + inner + row.columns[place + 1 :], row.binds, row.body)
    return row


def constructor_fields(data: CheckedData, type_: Data, tag: int) -> tuple[Type, ...]:
    """The field types of one constructor of a variant type at its arguments."""
    bound = dict(zip(data.types, type_.arguments, strict=True))
    return tuple(substitute_type(item, bound, {}) for item in data.constructors[tag][1])
