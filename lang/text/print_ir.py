"""Write a program in unary form as text: what ``pf show`` prints and `parse_ir` reads back.

A program of either stage enters; lines leave. The first line names the inputs with their slots, every step is a
line ``%3: f64 = mul %0 %1``, bodies stand indented under their step, and ``return`` lists the outputs. Literals
are exact: ``parse_program(show_program(p)) == p``.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence

from ..deferred import resolved
from ..ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Close,
    Constant,
    DataType,
    Each,
    Fold,
    Function,
    FunType,
    Inject,
    Invoke,
    Op,
    Param,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    Transform,
    leaves,
)
from ..sizes import Poly, Size, show
from ..types import Array, Data, Fun, Record, Scalar, SizeType, Tuple, Type, Var

FORMATS = {"f64": "<d", "f32": "<f", "f16": "<e", "i64": "<q", "bool": "<?"}
INDENT = "  "


def show_program(program: Program, *, names: bool = True) -> str:
    """The program as text; without `names`, names of programs and inputs are left out, so that equal work reads alike.

    >>> from ..builder import body
    >>> print(show_program(body("square", [ArrayType("f64")], lambda b, x: [b.apply("mul", x[0], x[0])])), end="")
    program square(%0: f64):
      %1: f64 = mul %0 %0
      return %1
    """
    return "\n".join(_program("program", program, "", names)) + "\n"


# --- names, sizes, types ------------------------------------------------------------------------------------


def show_name(name: str) -> str:
    """A name as it is when it is a plain word, else between quotes."""
    plain = name.isascii() and name.replace(".", "_").isidentifier() and not name.startswith(".")
    return name if plain else json.dumps(name)


def _sizes(sizes: Iterable[Size]) -> str:
    return ", ".join(show(size) for size in sizes)


def show_slot_type(type_: SlotType) -> str:
    """``[n]f64``, ``(f64) -> (f64)`` or ``data Tree[f64]`` (``data T Tree[f64]`` for its forward-mode twin)."""
    match type_:
        case ArrayType(dtype, shape):
            return f"[{_sizes(shape)}]{show_name(dtype)}" if shape else show_name(dtype)
        case FunType(inputs, outputs):
            sides = [", ".join(show_slot_type(item) for item in side) for side in (inputs, outputs)]
            return f"({sides[0]}) -> ({sides[1]})"
        case DataType(data, tangent):
            return "data " + "T " * tangent + _data(data)


def _data(data: Data) -> str:
    arguments = f"[{', '.join(show_type(item) for item in data.arguments)}]" if data.arguments else ""
    return show_name(data.name) + arguments


def show_type(type_: Type) -> str:
    """A type of a signature, written so that it can be read back without knowing declarations."""
    match type_:
        case Scalar(dtype):
            return show_name(dtype)
        case Array(shape, element):
            return f"[{_sizes(shape)}]{show_type(element)}"
        case Tuple(items):
            return f"({', '.join(show_type(item) for item in items)})"
        case Record(fields):
            return "{" + ", ".join(f"{show_name(name)}: {show_type(item)}" for name, item in fields) + "}"
        case Fun(parameters, result):
            return f"({', '.join(show_type(item) for item in parameters)}) -> {show_type(result)}"
        case Data():
            return f"data {_data(type_)}"
        case Var(name):
            return f"'{show_name(name)}"
        case SizeType():
            return "size"


# --- literals and parameters --------------------------------------------------------------------------------


def show_number(value: float | int | bool, dtype: str) -> str:
    """The shortest text that gives the same bytes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    exact = _packed(value, dtype)
    if dtype == "f64" or not math.isfinite(value):
        return repr(value)
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return repr(next((number for number in shorter if _packed(number, dtype) == exact), value))


def _packed(number: float, dtype: str) -> bytes | None:
    try:
        return struct.pack(FORMATS[dtype], number)
    except OverflowError:  # rounding to few digits went past the largest number
        return None


def _constant(op: Constant, types: Sequence[SlotType]) -> str:
    type_ = types[0] if types else None
    if not isinstance(type_, ArrayType) or type_.dtype not in FORMATS:
        return f'bytes "{op.data.hex()}"'
    form = FORMATS[type_.dtype]
    shape = [size for size in type_.shape if isinstance(size, int)]
    item = struct.calcsize(form)
    bad = type_.dtype == "bool" and not set(op.data) <= {0, 1}
    if bad or len(shape) != type_.rank or len(op.data) != item * math.prod(shape):
        return f'bytes "{op.data.hex()}"'
    numbers = [op.data[at : at + item] for at in range(0, len(op.data), item)]
    return f"constant {_nested([_item(number, form, type_.dtype) for number in numbers], shape)}"


def _item(data: bytes, form: str, dtype: str) -> str:
    (value,) = struct.unpack(form, data)
    # A NaN with a payload is written in hexadecimal; unpacking may quieten it, so bytes are compared.
    if value != value and struct.pack(form, math.nan) != data:
        return f"0x{data[::-1].hex()}"
    return show_number(value, dtype)


def _nested(numbers: Sequence[str], shape: Sequence[int]) -> str:
    if not shape:
        return numbers[0]
    width = math.prod(shape[1:])
    rows = [_nested(numbers[k * width : (k + 1) * width], shape[1:]) for k in range(shape[0])]
    return f"[{', '.join(rows)}]"


def show_param(value: Param) -> str:
    """A parameter; non-finite floats carry an ``@``, since ``inf`` may also name a size."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value) if math.isfinite(value) else f"@{value!r}"
        case int():
            return str(value)
        case str():
            return json.dumps(value)
        case Poly():
            return show(value)
        case tuple():
            return f"({', '.join(show_param(item) for item in value)}{',' if len(value) == 1 else ''})"


def _params(params: tuple[tuple[str, Param], ...]) -> str:
    if not params:
        return ""
    return " {" + ", ".join(f"{show_name(name)}: {show_param(value)}" for name, value in params) + "}"


# --- programs -----------------------------------------------------------------------------------------------


def _program(role: str, program: Program, indent: str, names: bool) -> list[str]:
    deeper = indent + INDENT
    name = f" {show_name(program.name)}" if names else ""
    sizes = f"[{', '.join(show_name(size) for size in program.sizes)}]" if program.sizes else ""
    signature = program.signature if names else None
    fits = signature is not None and _leaves_fit(signature, program.inputs)
    inputs = _named_inputs(signature) if signature and fits else _plain_inputs(program.inputs)
    result = f" -> {show_type(signature.output)}" if signature and fits else ""
    lines = [f"{indent}{role}{name}{sizes}({inputs}){result}:"]
    if signature and not fits:
        fields = ", ".join(f"{show_name(name)}: {show_type(type_)}" for name, type_ in signature.inputs)
        lines.append(f"{deeper}signature ({fields}) -> {show_type(signature.output)}")
    for first, step in program.numbered():
        lines.extend(_step(first, step, deeper, names))
    for kind, rule in program.rules:
        lines.append(f"{deeper}rule {show_name(kind)}:")
        lines.extend(_program("program", resolved(rule), deeper + INDENT, names))
    return [*lines, f"{deeper}return{_slots(program.outputs)}"]


def _leaves_fit(signature: Signature, inputs: Sequence[SlotType]) -> bool:
    try:
        found = tuple(leaf for _, type_ in signature.inputs for leaf in leaves(type_))
    except TypeError:  # a type variable has no leaves
        return False
    return found == tuple(inputs)


def _named_inputs(signature: Signature) -> str:
    """``x %0: [n]f64, p %1 %2: (f64, f64)``: every input with its slots."""
    entries: list[str] = []
    slot = 0
    for name, type_ in signature.inputs:
        count = len(leaves(type_))
        entries.append(f"{show_name(name)}{_slots(range(slot, slot + count))}: {show_type(type_)}")
        slot += count
    return ", ".join(entries)


def _plain_inputs(inputs: Sequence[SlotType]) -> str:
    return ", ".join(f"%{slot}: {show_slot_type(type_)}" for slot, type_ in enumerate(inputs))


def _slots(slots: Iterable[int]) -> str:
    return "".join(f" %{slot}" for slot in slots)


def _step(first: int, step: Step, indent: str, names: bool) -> list[str]:
    results = [f"%{first + k}: {show_slot_type(type_)}" for k, type_ in enumerate(step.types)]
    text, programs = _operation(step.op, step.operands, step.types)
    lines = [f"{indent}{', '.join(results) or '()'} = {text}{':' if programs else ''}"]
    for role, program in programs:
        lines.extend(_program(role, program, indent + INDENT, names))
    return lines


def _operation(op: Op, operands: tuple[int, ...], types: Sequence[SlotType]) -> tuple[str, list[tuple[str, Program]]]:
    """The right-hand side of a step, and the programs that follow it with their roles."""
    match op:
        case Constant():
            return _constant(op, types) + _behind(operands), []
        case SizeValue(size):
            return f"size {show(size)}{_behind(operands)}", []
        case Apply(primitive, params):
            return f"{show_name(primitive)}{_slots(operands)}{_params(params)}", []
        case Each():
            return _each(op, operands), [("body", op.body)]
        case Fold():
            condition = [] if op.condition is None else [("while", op.condition)]
            return _fold(op, operands), [("body", op.body), *condition]
        case Branch(arms):
            return f"branch{_slots(operands)}", [("arm", arm) for arm in arms]
        case Call(program):
            return f"call{_slots(operands)}", [("program", program)]
        case Function(module, name, own_types, sizes):
            given = f"({', '.join(show_type(item) for item in own_types)}) ({_sizes(sizes)})"
            return f"function {json.dumps(module)} {json.dumps(name)} {given}{_behind(operands)}", []
        case Close(program):
            return f"close{_slots(operands)}", [("program", program)]
        case Invoke():
            return f"invoke{_slots(operands)}", []
        case Inject(tag):
            return f"inject {tag}{_slots(operands)}", []
        case Transform(kind, params):
            return f"transform {show_name(kind)}{_slots(operands)}{_params(params)}", []


def _behind(operands: tuple[int, ...]) -> str:
    """Operands of an operation that takes none: only a broken program has any, and it prints too."""
    return f" on{_slots(operands)}" if operands else ""


def _groups(**groups: Sequence[int]) -> str:
    """``(captures %0; arrays %1 %2)``, groups without members left out."""
    parts = [f"{name}{_slots(slots)}" for name, slots in groups.items() if slots]
    return f" ({'; '.join(parts)})" if parts else ""


def _combine(combine: tuple[str, ...]) -> str:
    return f" -> {', '.join(combine)}" if combine else ""


def _each(op: Each, operands: tuple[int, ...]) -> str:
    groups = _groups(captures=operands[: op.captures], arrays=operands[op.captures :])
    return f"each {show(op.size)}{groups}{_combine(op.combine)}"


def _fold(op: Fold, operands: tuple[int, ...]) -> str:
    outer = op.captures + op.arrays
    groups = _groups(captures=operands[: op.captures], arrays=operands[op.captures : outer], carry=operands[outer:])
    flags = {"reverse": op.reverse, "associative": op.associative, "lean": op.lean}
    marks = "".join(f" {flag}" for flag, on in flags.items() if on)
    return f"fold {show(op.size)}{groups}{marks}{_combine(op.combine)}"
