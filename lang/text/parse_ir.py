"""Read a program in unary form back from the text that `print_ir` writes.

A text enters, a `Program` leaves, or E117 at the place that cannot be read. The reader is a recursive descent over
lines: bodies are the lines indented more than their step. It only reads; `lang.check_ir` says whether the program
is well formed.
"""

from __future__ import annotations

from collections.abc import Callable

from ..diagnostics import fail
from ..ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Close,
    Constant,
    Each,
    Fold,
    Function,
    Inject,
    Invoke,
    Op,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    Transform,
    leaves,
)
from ..source import Source
from ..types import Type
from .cursor import Cursor, Line, lines_of
from .parse_types import field, literal, params, several, slot_type, surface_type

Head = tuple[str, tuple[str, ...], tuple[SlotType, ...], Signature | None]
Operation = tuple[Op, tuple[int, ...]]


def parse_program(text: str, name: str = "<program>") -> Program:
    """The program of a text; `name` is what diagnostics call the text.

    Raises:
        DiagnosticError: E117, at the line and token that cannot be read.

    >>> parse_program("program double(%0: f64):\\n  %1: f64 = add %0 %0\\n  return %1").outputs
    (1,)
    """
    source = Source(name, text)
    try:
        reader = _Reader(source, lines_of(source))
        program = reader.program("program", 0)
        if reader.line is not None:
            raise reader.cursor().error("expected the end of the text")
        return program
    except RecursionError:
        raise fail("E117", "the text nests too deep", hint="bodies nest a few deep: is this a program?") from None


class _Reader:
    """Reads lines from first to last."""

    def __init__(self, source: Source, lines: list[Line]) -> None:
        self.source = source
        self.lines = lines
        self.at = 0

    @property
    def line(self) -> Line | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def cursor(self) -> Cursor:
        """A cursor at the start of the current line."""
        if self.line is None:
            raise fail("E117", "the text ends too early", hint="every program ends with a `return`")
        return Cursor(self.source, self.line)

    def open_line(self, indent: int) -> Cursor:
        """Move to the next line, which must be indented by `indent`."""
        c = self.cursor()
        if c.line.indent != indent:
            raise c.error(f"expected an indentation of {indent}, found {c.line.indent}")
        self.at += 1
        return c

    # --- programs ---

    def program(self, role: str, indent: int) -> Program:
        """A program whose header stands at `indent`."""
        name, sizes, inputs, signature = _header(self.open_line(indent), role)
        steps: list[Step] = []
        rules: list[tuple[str, Program]] = []
        slot = len(inputs)
        while True:
            c = self.open_line(indent + 2)
            if c.accept("return"):
                outputs = c.slots()
                c.end()
                return Program(name, sizes, inputs, tuple(steps), outputs, tuple(rules), signature)
            if c.accept("signature"):
                signature = _signature(c)
            elif c.accept("rule"):
                kind = c.name()
                _colon(c)
                rules.append((kind, self.program("program", indent + 4)))
            else:
                steps.append(self.step(c, slot, indent + 4))
                slot += len(steps[-1].types)

    def step(self, c: Cursor, first: int, indent: int) -> Step:
        types = _results(c, first)
        read = _OPERATIONS.get(c.next.text) if c.next.kind == "name" else None
        if read is not None:
            c.take()
            op, operands = read(self, c, types, indent)
        else:
            primitive, operands = c.name(), c.slots()
            op = Apply(primitive, params(c))
            c.end()
        return Step(op, operands, types)


def _header(c: Cursor, role: str) -> Head:
    c.expect(role)
    name = c.name() if c.is_name() else ""
    sizes = several(c, "]", Cursor.name) if c.accept("[") else ()
    c.expect("(")
    if not _is_named(c):
        inputs = _plain_inputs(c)
        _colon(c)
        return name, sizes, inputs, None
    named, slots = _named_inputs(c)
    c.expect("->")
    signature = Signature(named, surface_type(c))
    _colon(c)
    return name, sizes, slots, signature


def _is_named(c: Cursor) -> bool:
    """Whether a signature follows: inputs have names, or there are none but a result type is stated."""
    if c.sees(")"):
        return c.line.tokens[c.at + 1].text == "->"
    return c.is_name()


def _plain_inputs(c: Cursor) -> tuple[SlotType, ...]:
    types: list[SlotType] = []

    def one(inner: Cursor) -> None:
        _numbered(inner, len(types))
        types.append(slot_type(inner))

    several(c, ")", one)
    return tuple(types)


def _named_inputs(c: Cursor) -> tuple[tuple[tuple[str, Type], ...], tuple[SlotType, ...]]:
    """Names with their types, and the slots that they take."""
    slots: list[SlotType] = []

    def one(inner: Cursor) -> tuple[str, Type]:
        name = inner.name()
        start = inner.next
        numbers = inner.slots()
        inner.expect(":")
        type_ = surface_type(inner)
        try:
            found = leaves(type_)
        except TypeError:
            raise inner.error("an input with slots cannot have a type variable", start) from None
        if numbers != tuple(range(len(slots), len(slots) + len(found))):
            raise inner.error(f"{name} takes {len(found)} slots from %{len(slots)} on", start)
        slots.extend(found)
        return name, type_

    return several(c, ")", one), tuple(slots)


def _signature(c: Cursor) -> Signature:
    c.expect("(")
    inputs = several(c, ")", field)
    c.expect("->")
    output = surface_type(c)
    c.end()
    return Signature(inputs, output)


def _colon(c: Cursor) -> None:
    c.expect(":")
    c.end()


def _numbered(c: Cursor, slot: int) -> None:
    token = c.next
    if c.slot() != slot:
        raise c.error(f"expected %{slot}", token)
    c.expect(":")


def _results(c: Cursor, first: int) -> tuple[SlotType, ...]:
    """``%3: f64, %4: i64 =``, or ``() =`` for a step without results."""
    if c.accept("("):
        c.expect(")")
        c.expect("=")
        return ()
    types: list[SlotType] = []
    while not types or c.accept(","):
        _numbered(c, first + len(types))
        types.append(slot_type(c))
    c.expect("=")
    return tuple(types)


# --- operations ---------------------------------------------------------------------------------------------


def _stray(c: Cursor) -> tuple[int, ...]:
    """Operands of an operation that takes none (the text form of a broken program)."""
    operands = c.slots() if c.accept("on") else ()
    c.end()
    return operands


def _constant(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    if len(types) != 1 or not isinstance(types[0], ArrayType):
        raise c.error("a literal has one result, an array")
    data = literal(c, types[0])
    return Constant(data), _stray(c)


def _bytes(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    token = c.next
    try:
        data = bytes.fromhex(c.string())
    except ValueError:
        raise c.error("expected hexadecimal digits", token) from None
    return Constant(data), _stray(c)


def _size(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    size = c.size()
    return SizeValue(size), _stray(c)


def _groups(c: Cursor, *names: str) -> list[tuple[int, ...]]:
    """The slots of each group of ``(captures %0; arrays %1 %2)``; absent groups are empty."""
    found: dict[str, tuple[int, ...]] = {}
    if c.accept("("):
        while not c.accept(")"):
            if found:
                c.expect(";")
            token = c.next
            name = c.name()
            if name not in names or name in found:
                raise c.error(f"expected one of {', '.join(names)}, each once", token)
            found[name] = c.slots()
    return [found.get(name, ()) for name in names]


def _combine(c: Cursor) -> tuple[str, ...]:
    found: list[str] = []
    if c.accept("->"):
        while not found or c.accept(","):
            found.append(c.name())
    _colon(c)
    return tuple(found)


def _each(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    size = c.size()
    captures, arrays = _groups(c, "captures", "arrays")
    combine = _combine(c)
    body = reader.program("body", indent)
    return Each(size, len(captures), body, combine), (*captures, *arrays)


def _fold(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    size = c.size()
    captures, arrays, carry = _groups(c, "captures", "arrays", "carry")
    backwards, associative, lean = c.accept("reverse"), c.accept("associative"), c.accept("lean")
    combine = _combine(c)
    body = reader.program("body", indent)
    condition = reader.program("while", indent) if _follows(reader, indent, "while") else None
    op = Fold(size, len(captures), len(arrays), body, combine, backwards, condition, associative, lean)
    return op, (*captures, *arrays, *carry)


def _follows(reader: _Reader, indent: int, role: str) -> bool:
    line = reader.line
    return line is not None and line.indent == indent and line.tokens[0].text == role


def _branch(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    operands = c.slots()
    _colon(c)
    arms = [reader.program("arm", indent)]
    while _follows(reader, indent, "arm"):
        arms.append(reader.program("arm", indent))
    return Branch(tuple(arms)), operands


def _call(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    operands = c.slots()
    _colon(c)
    return Call(reader.program("program", indent)), operands


def _close(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    operands = c.slots()
    _colon(c)
    return Close(reader.program("program", indent)), operands


def _function(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    module, name = c.string(), c.string()
    c.expect("(")
    own_types = several(c, ")", surface_type)
    c.expect("(")
    sizes = several(c, ")", Cursor.size)
    return Function(module, name, own_types, sizes), _stray(c)


def _invoke(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    operands = c.slots()
    c.end()
    return Invoke(), operands


def _inject(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    tag, operands = c.integer(), c.slots()
    c.end()
    return Inject(tag), operands


def _transform(reader: _Reader, c: Cursor, types: tuple[SlotType, ...], indent: int) -> Operation:
    kind, operands = c.name(), c.slots()
    given = params(c)
    c.end()
    return Transform(kind, given), operands


_OPERATIONS: dict[str, Callable[[_Reader, Cursor, tuple[SlotType, ...], int], Operation]] = {
    "constant": _constant,
    "bytes": _bytes,
    "size": _size,
    "each": _each,
    "fold": _fold,
    "branch": _branch,
    "call": _call,
    "function": _function,
    "close": _close,
    "invoke": _invoke,
    "inject": _inject,
    "transform": _transform,
}
OPERATION_WORDS = frozenset(_OPERATIONS)
"""Words that start a step of their own; no primitive may have such a name."""
