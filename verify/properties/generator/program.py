"""Whole programs: a source of choices enters; a text with an entry `main`, and arguments for it, leave.

`main` takes numbers, arrays, records, integers that are data, and sometimes variants. In some programs it calls `core`,
which takes functions: closures of the definitions `argument…` over inputs of `main`. The tests of the logical relation
call `core` itself with such closures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....lang.sizes import known
from ....lang.source import Source
from ....lang.surface.format import format_source
from ....lang.types import BOOL, F64, I64, Array, Data, Fun, Record, Tuple, Type, array, show_type
from . import arrays, derivatives, library, scalars, structured  # noqa: F401 (they enter their moves)
from .choices import Pick, recording, seeded
from .scalars import MAP
from .statements import STATEMENTS
from .writer import PAIR, RECORD, Scope, Suite, Variable, Writer, option

INPUTS: tuple[Type, ...] = (F64, F64, array((2,), F64), array((3,), F64), array((2, 3), F64), PAIR, RECORD)
VARIANTS: tuple[Type, ...] = (option(), Data("Either", (F64, PAIR)), Data("List", (F64,)), Data("Tree", (F64,)))
FUNCTIONS: tuple[Fun, ...] = (MAP, MAP, Fun((F64, F64), F64), Fun((array((2,), F64),), F64), Fun((MAP,), F64),
                              Fun((Fun((MAP,), F64),), F64))  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """A function given to `core`: the definition `name`, whose first parameter is the input `captured` of `main`."""

    name: str
    captured: str


@dataclass(frozen=True)
class Generated:
    """A generated program: the inputs of `main`, the functions `core` is given (none: there is no `core`)."""

    raw: str
    suite: Suite
    inputs: tuple[tuple[str, Type], ...]
    arguments: tuple[Argument, ...]
    choices: tuple[int, ...]
    seed: int | None = None

    @cached_property
    def text(self) -> str:
        """The text in the one layout."""
        return format_source(Source("<generated>", self.raw))

    def values(self, seed: int) -> list[Any]:
        """Values of the inputs, flat by slot; a variant is a `Variant` of the reference."""
        random = np.random.default_rng(seed)
        return [leaf for _, type_ in self.inputs for leaf in _value(type_, random)]


def seeded_program(seed: int, suite: Suite = "smooth", fuel: int = 12) -> Generated:
    """The program of a seed."""
    from dataclasses import replace

    return replace(write_program(seeded(seed), suite, fuel), seed=seed)


def write_program(pick: Pick, suite: Suite = "smooth", fuel: int = 12) -> Generated:
    """A program written by a source of choices."""
    made: list[int] = []
    writer = Writer(recording(pick, made), suite, fuel)
    inputs = _inputs(writer)
    lines: list[str] = []
    arguments: list[Argument] = []
    scope: Scope = tuple(Variable(name, type_) for name, type_ in inputs)
    floats = [v for v in scope if v.type in (F64, array((2,), F64), array((3,), F64))]
    if floats and writer.pick(3) == 2:
        arguments = _core(writer, lines, scope, floats)
    else:
        lines.append(_definition(writer, "main", scope))
    raw = "\n".join([library.text_of(writer.needs), *lines])
    return Generated(raw, suite, inputs, tuple(arguments), tuple(made))


def _inputs(writer: Writer) -> tuple[tuple[str, Type], ...]:
    types: list[Type] = [F64, *(writer.one_of(INPUTS) for _ in range(1 + writer.pick(3)))]
    if writer.pick(8):
        types.append(array((3,), I64) if writer.pick(3) else I64)
    if writer.chance(6):
        types.append(writer.one_of(VARIANTS))
    for type_ in types:
        if isinstance(type_, Data):
            writer.need(type_.name)
    return tuple((f"x{k}", type_) for k, type_ in enumerate(types))


def _core(writer: Writer, lines: list[str], scope: Scope, floats: list[Variable]) -> list[Argument]:
    """`core` over functions, the functions, and `main` that closes them over its inputs."""
    types = [writer.one_of(FUNCTIONS) for _ in range(1 + writer.pick(2))]
    names = [f"f{k}" for k in range(len(types))]
    given, arguments = [], []
    for k, type_ in enumerate(types):
        captured = writer.one_of(floats)
        parameters = [Variable(f"u{place}", item) for place, item in enumerate(type_.parameters)]
        inner = (Variable("c", captured.type), *parameters)
        writer.unused = {v.name: v for v in inner}
        body = writer.grown(F64, inner, 3)
        shown = ", ".join(f"{v.name}: {show_type(v.type)}" for v in inner)
        lines.append(f"def argument{k}({shown}): f64 = {body}")
        head = ", ".join(f"{v.name}: {show_type(v.type)}" for v in parameters)
        call = ", ".join(v.name for v in parameters)
        given.append(f"fn ({head}) => argument{k}({captured.name}, {call})")
        arguments.append(Argument(f"argument{k}", captured.name))
    functions = tuple(Variable(name, type_) for name, type_ in zip(names, types, strict=True))
    writer.order = 0  # the functions are known at run time only
    lines.append(_definition(writer, "core", (*functions, *scope)))
    shown = ", ".join(f"{v.name}: {show_type(v.type)}" for v in scope)
    lines.append(f"def main({shown}) = core({', '.join([*given, *(v.name for v in scope)])})")
    return arguments


def _definition(writer: Writer, name: str, scope: Scope) -> str:
    """A definition: statements, then a result that uses what is still unused."""
    writer.unused = {v.name: v for v in scope}
    shown = ", ".join(f"{v.name}: {show_type(v.type)}" for v in scope)
    lines = []
    for _ in range(2 + writer.pick(3)):
        type_, text = writer.one_of(_allowed(writer))(writer, scope, 2)
        variable = Variable(writer.fresh("v"), type_)
        annotation = f": {show_type(type_)}" if isinstance(type_, Data) else ""
        lines.append(f"  let {variable.name}{annotation} = {text}")
        scope = (*scope, variable)
        writer.unused[variable.name] = variable
    result = _result(writer, scope)
    return f"def {name}({shown}) =\n" + "\n".join(lines) + f"\n  in {result}"


def _allowed(writer: Writer) -> list[Any]:
    words = ("derivative", "second_derivative") if writer.order <= 0 else ()
    return [statement for statement in STATEMENTS if statement.__name__ not in words]


def _result(writer: Writer, scope: Scope) -> str:
    """A number mostly, sometimes more, plus all that was not used yet."""
    parts = [writer.expression(F64, scope, 1)]
    while writer.unused:
        _, variable = writer.unused.popitem()
        parts.append(used(writer, variable.name, variable.type, scope))
    total = " + ".join(parts)
    how = writer.pick(8)
    if how == 6:
        return f"({total}, {writer.expression(array((2,), F64), scope, 1)})"
    return f"[{total}, {writer.expression(F64, scope, 1)}]" if how == 7 else total


def used(writer: Writer, text: str, type_: Type, scope: Scope) -> str:
    """A number that depends on all of a value."""
    match type_:
        case Array(shape, element) if element == F64:
            return f"sum({text})"
        case Array(shape, element) if element in (I64, BOOL):
            return f"0.1 * f64(sum({text}))"
        case Array(shape, element):
            return used(writer, f"{text}[{', '.join('1' for _ in shape)}]", element, scope)
        case Tuple(items):
            return " + ".join(used(writer, f"{text}.{k}", item, scope) for k, item in enumerate(items))
        case Record(fields):
            return " + ".join(used(writer, f"{text}.{label}", item, scope) for label, item in fields)
        case Fun(parameters, _):
            return f"{text}({', '.join(writer.leaf(item, scope) for item in parameters)})"
        case Data("Option", _):
            return f"{writer.need('value_or')}({text}, 0.5)"
        case Data("Either", _):
            return f"(match {text} {{ First(x) => x; Second((y, z)) => y * z }})"
        case Data(name, _):
            return f"{writer.need(name.lower() + '_total')}({text})"
        case _:
            return text if type_ == F64 else f"0.1 * f64({text})"


def _value(type_: Type, random: np.random.Generator) -> list[Any]:
    from ....semantics.reference import Variant

    match type_:
        case Array(shape, element):
            size = tuple(map(known, shape))
            return [random.integers(0, 7, size)] if element == I64 else [random.uniform(-1.2, 1.2, size)]
        case Tuple(items):
            return [leaf for item in items for leaf in _value(item, random)]
        case Record(fields):
            return [leaf for _, item in fields for leaf in _value(item, random)]
        case Data("Option", (item,)):
            return [Variant(1, tuple(_value(item, random))) if random.integers(3) else Variant(0)]
        case Data("Either", items):
            tag = int(random.integers(2))
            return [Variant(tag, tuple(_value(items[tag], random)))]
        case Data("List", (item,)):
            result = Variant(0)
            for _ in range(int(random.integers(1, 4))):
                result = Variant(1, (*_value(item, random), result))
            return [result]
        case Data("Tree", (item,)):
            nodes = [Variant(0, tuple(_value(item, random))) for _ in range(int(random.integers(1, 4)))]
            while len(nodes) > 1:
                nodes.append(Variant(1, (nodes.pop(0), nodes.pop(0))))
            return nodes
        case _:
            return [np.asarray(random.integers(0, 7) if type_ == I64 else random.uniform(-1.2, 1.2))]
