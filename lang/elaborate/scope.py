"""The place where elaboration stands: an open builder, the slots of names, and the facts of the checker.

`closed` writes closed bodies: it opens a builder whose first inputs are the slots that the free names hold, lets a
function write into it, and drops the captures nobody read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..builder import Builder
from ..diagnostics import InternalError
from ..ir import ArrayType, Constant, Function, Program, SizeValue, SlotType, Step, leaves
from ..sizes import Size, add, mul, sub, variable
from ..source import Span
from ..surface import ast
from ..typed import CheckedData, CheckedDef, Meaning, SizeName, Typing
from ..types import Type, substitute_type
from .free import FreeNames

Value = tuple[int, ...]


class Environment(Protocol):
    """What elaboration asks about other definitions."""

    def checked(self, module: str, name: str) -> CheckedDef: ...

    def data(self, name: str) -> CheckedData: ...


@dataclass(frozen=True)
class Context:
    """What stays the same inside one definition: checker facts, the instance's types, free names."""

    environment: Environment
    name: str
    typing: Typing
    types: Mapping[str, Type] = field(default_factory=dict)
    free: FreeNames = field(default_factory=FreeNames)
    unproved: frozenset[Span] = frozenset()

    def type(self, node: ast.Node) -> Type:
        """The type of an expression or pattern at this instance."""
        found = self.typing.types.get(id(node))
        if found is None:
            raise InternalError(f"no type for {type(node).__name__} at {node.span}")
        return self.instance(found)

    def instance(self, type_: Type) -> Type:
        """A type of the definition with the instance's types put in."""
        return substitute_type(type_, self.types, {}) if self.types else type_

    def meaning(self, node: ast.Node) -> Meaning | None:
        return self.typing.meanings.get(id(node))

    def proved(self, *places: Span) -> bool:
        """Whether the checker proved all of these indices in range."""
        return not any(place in self.unproved for place in places)

    def size(self, node: ast.Expr) -> Size:
        """The size that a size expression stands for."""
        match node:
            case ast.Integer(value=value):
                return value
            case ast.Name(name=name):
                meaning = self.meaning(node)
                return variable(meaning.name if isinstance(meaning, SizeName) else name)
            case ast.Binary(operator=operator, left=left, right=right) if operator in _SIZE_OPERATORS:
                return _SIZE_OPERATORS[operator](self.size(left), self.size(right))
            case ast.Unary(operator="-", operand=operand):
                return sub(0, self.size(operand))
            case _:
                raise InternalError(f"{type(node).__name__} at {node.span} is no size")


_SIZE_OPERATORS: dict[str, Callable[[Size, Size], Size]] = {"+": add, "-": sub, "*": mul}


class Scope:
    """An open builder and the slots of the names visible in it."""

    def __init__(self, context: Context, builder: Builder, env: dict[str, Value] | None = None) -> None:
        self.context = context
        self.builder = builder
        self.env = {} if env is None else env

    def types_of(self, value: Iterable[int]) -> tuple[SlotType, ...]:
        return tuple(self.builder.types[slot] for slot in value)

    def arrays(self, value: Iterable[int], span: Span | None = None) -> tuple[ArrayType, ...]:
        """The types of slots that must be arrays (the checker refuses arrays of functions and variants)."""
        found: list[ArrayType] = []
        for type_ in self.types_of(value):
            if not isinstance(type_, ArrayType):
                raise InternalError(f"an array of values of type {type_} at {span or self.builder.origin}")
            found.append(type_)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Body:
    """One closed program to be: the types of its inputs behind the captures, and what writes it."""

    inputs: Sequence[SlotType]
    write: Callable[[Scope, Value], Iterable[int]]


def closed(
    outer: Scope, name: str, names: Iterable[str], bodies: Sequence[Body], extra: Iterable[int] = ()
) -> tuple[tuple[int, ...], tuple[Program, ...]]:
    """Closed programs that share captures: the captured slots of `outer`, and one program per body.

    `names` are those the bodies may read; `write` gets the child scope and the slots of the inputs behind the captures.
    Literals and top-level functions are written again inside instead of being captured.
    """
    visible = sorted(name for name in names if name in outer.env)
    slots = dict.fromkeys(slot for name in visible for slot in outer.env[name])
    slots.update(dict.fromkeys(extra))
    captures = [slot for slot in slots if not _is_rewritten(outer.builder.definition(slot))]
    programs = []
    for body in bodies:
        builder = Builder(name, [*outer.types_of(captures), *body.inputs])
        builder.origin = outer.builder.origin
        inner = {slot: position for position, slot in enumerate(captures)}
        for slot in slots:
            step = outer.builder.definition(slot)
            if slot not in inner and step is not None:
                (inner[slot],) = builder.emit(step.op, (), step.types)
        env = {name: tuple(inner[slot] for slot in outer.env[name]) for name in visible}
        count = len(captures)
        own = tuple(range(count, count + len(body.inputs)))
        programs.append(builder.build(tuple(body.write(Scope(outer.context, builder, env), own))))
    kept, trimmed = drop_unread(programs, len(captures))
    return tuple(captures[position] for position in kept), trimmed


def _is_rewritten(step: Step | None) -> bool:
    if step is None:
        return False
    if isinstance(step.op, Constant):
        (type_,) = step.types
        return isinstance(type_, ArrayType) and not type_.shape
    return isinstance(step.op, (SizeValue, Function))


def drop_unread(programs: Sequence[Program], count: int) -> tuple[tuple[int, ...], tuple[Program, ...]]:
    """Drop those of the first `count` inputs that no program reads: the positions kept, and the programs renumbered."""
    read: set[int] = set()
    for program in programs:
        read.update(slot for step in program.steps for slot in step.operands if slot < count)
        read.update(slot for slot in program.outputs if slot < count)
    kept = tuple(sorted(read))
    if len(kept) == count:
        return kept, tuple(programs)
    return kept, tuple(_renumbered(program, kept, count) for program in programs)


def _renumbered(program: Program, kept: tuple[int, ...], count: int) -> Program:
    places = {slot: position for position, slot in enumerate(kept)}
    shift = count - len(kept)

    def new(slot: int) -> int:
        return places[slot] if slot < count else slot - shift

    steps = tuple(
        Step(step.op, tuple(new(slot) for slot in step.operands), step.types, step.origin) for step in program.steps
    )
    inputs = tuple(program.inputs[slot] for slot in kept) + program.inputs[count:]
    return Program(program.name, program.sizes, inputs, steps, tuple(new(slot) for slot in program.outputs))


def split(slots: Sequence[int], types: Iterable[Type]) -> list[Value]:
    """Cut the slots of several values into one tuple per type."""
    values, start = [], 0
    for type_ in types:
        width = len(leaves(type_))
        values.append(tuple(slots[start : start + width]))
        start += width
    return values
