"""Moves for tuples, records, variants and functions."""

from __future__ import annotations

from ....lang.types import F64, Data, Fun, Record, Tuple, Type, show_type
from .scalars import MAP
from .writer import PAIR, Scope, Variable, Writer, moves, option


def _made(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    if isinstance(type_, Tuple):
        return f"({', '.join(writer.expression(item, scope, depth) for item in type_.items)})"
    assert isinstance(type_, Record)
    return "{" + ", ".join(f"{label} = {writer.expression(item, scope, depth)}" for label, item in type_.fields) + "}"


def _changed(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A record with one field replaced; a tuple made of parts of another."""
    if isinstance(type_, Record):
        label, item = writer.one_of(type_.fields)
        return f"({writer.leaf(type_, scope)} with .{label} = {writer.expression(item, scope, depth)})"
    assert isinstance(type_, Tuple)
    name = writer.fresh("p")
    parts = [f"{name}.{k}" for k in range(len(type_.items))]
    place = writer.pick(len(parts))
    parts[place] = writer.expression(type_.items[place], (*scope, Variable(name, type_)), depth)
    return f"(let {name} = {writer.leaf(type_, scope)} in ({', '.join(parts)}))"


def _either_way(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    test = writer.parity(scope)
    return f"(if {test} then {writer.expression(type_, scope, depth)} else {writer.expression(type_, scope, depth)})"


def _variant(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A constructor: that of a flat variant may be decided at run time, the spine of a recursive one is written."""
    assert isinstance(type_, Data)
    name, items = writer.need(type_.name), type_.arguments
    if name in ("List", "Tree"):
        return _spine(writer, type_, scope, depth)
    if name == "Option":
        arms = ("Nothing", f"Just({writer.expression(items[0], scope, depth)})")
    else:
        second, first = (writer.expression(item, scope, depth) for item in reversed(items))
        arms = (f"Second({second})", f"First({first})")
    if writer.pick(2):
        return arms[1]
    return f"(if {writer.parity(scope)} then {arms[0]} else {arms[1]})"


def _spine(writer: Writer, type_: Data, scope: Scope, depth: int) -> str:
    over = "list_over" if type_.name == "List" else "tree_over"
    if depth > 0 and writer.pick(3) == 0:
        function = writer.expression(MAP, scope, depth)
        return f"{writer.need(over)}({function}, {writer.expression(type_, scope, depth - 1)})"
    return writer.literal(type_, scope)


def matched(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A match on a variable or an expression of a flat variant, or a fold of a recursive one."""
    subject = writer.one_of((option(), Data("Either", (F64, PAIR)), Data("List", (F64,)), Data("Tree", (F64,))))
    writer.need(subject.name)
    value = writer.expression(subject, scope, depth)
    if subject.name in ("List", "Tree"):
        return f"{writer.need(subject.name.lower() + '_total')}({value})"
    x = writer.fresh("m")
    other = writer.expression(type_, scope, depth)
    if subject.name == "Option":
        body = writer.expression(type_, (*scope, Variable(x, F64)), depth)
        return f"(match {value} {{ Nothing => {other}; Just({x}) => {body} }})"
    y, z = writer.fresh("m"), writer.fresh("m")
    first = writer.expression(type_, (*scope, Variable(x, F64)), depth)
    second = writer.expression(type_, (*scope, Variable(y, F64), Variable(z, F64)), depth)
    name = writer.fresh("e")
    bound = f"let {name}: {show_type(subject)} = {value}"
    return f"({bound} in match {name} {{ First({x}) => {first}; Second(({y}, {z})) => {second} }})"


def _lambda(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Fun)
    return writer.function(type_.parameters, type_.result, scope, depth)


def _composed(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    if type_ != MAP:
        return _lambda(writer, type_, scope, depth)
    how = writer.pick(3)
    if how == 0:
        return writer.one_of(("sin", "cos", "tanh", "atan"))
    if how == 1 and writer.order > 0:
        writer.order -= 1
        inner = writer.function((F64,), F64, scope, depth)
        writer.order += 1
        return f"grad({inner})"
    return f"{writer.need('after')}({writer.expression(MAP, scope, depth)}, {writer.expression(MAP, scope, depth)})"


moves("product", _made, _made, _changed, _either_way)
moves("data", _variant, _variant, _variant)
moves("function", _lambda, _lambda, _composed)
moves("f64", matched)
