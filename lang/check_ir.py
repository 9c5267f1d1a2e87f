"""Check that a program in unary form is well formed: tests run this after every pass.

A program enters; nothing leaves, or an `InternalError` that names the step. Types are derived again, from the rows
of the primitives and from the bodies, and compared with what the steps say: the typing rules of unary form (Huot &
Shaikhha 2022, arXiv 2212.09801) with captures instead of the whole context.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .constants import numpy_dtype
from .deferred import Deferred
from .diagnostics import InternalError
from .ir import (
    BOOL,
    I64,
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
    SizeValue,
    SlotType,
    Step,
    Transform,
    bodies,
)
from .primitives import result_types
from .sizes import Poly, Size, variables
from .solution import KINDS as SOLUTION

_ITEM_BYTES = {"f64": 8, "f32": 4, "f16": 2, "bfloat16": 2, "i64": 8, "bool": 1}
Types = tuple[SlotType, ...]


def check_program(program: Program) -> None:
    """Raise `InternalError`, naming the step, when the program or a body of it is not well formed.

    >>> check_program(Program("f", (), (BOOL,), (), (1,)))
    Traceback (most recent call last):
    ...
    pushforward.lang.diagnostics.InternalError: f: output %1 is not defined
    """
    _check(program, frozenset(program.sizes))


@lru_cache(maxsize=4096)
def _check(program: Program, sizes: frozenset[str]) -> None:
    """Check a program whose enclosing programs declare `sizes` (a body may repeat them, not add to them)."""
    where = program.name or "a body"
    _need(set(program.sizes) <= sizes, where, f"declares sizes {set(program.sizes) - sizes} of its own")
    for slot, type_ in enumerate(program.inputs):
        _check_type(f"{where}: input %{slot}", type_, sizes)
    types = list(program.inputs)
    for step in program.steps:
        here = f"{where}: step %{len(types)} ({_name(step.op)})"
        for slot in step.operands:
            _need(0 <= slot < len(types), here, f"operand %{slot} is not defined before it")
        for type_ in step.types:
            _check_type(here, type_, sizes)
        try:
            _check_step(here, step, tuple(types[slot] for slot in step.operands), sizes)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise InternalError(f"{here}: operands or parameters do not fit: {error!r}") from error
        types.extend(step.types)
    for slot in program.outputs:
        _need(0 <= slot < len(types), where, f"output %{slot} is not defined")
    _check_rules(where, program, sizes)


def _need(condition: bool, where: str, message: str) -> None:
    if not condition:
        raise InternalError(f"{where}: {message}")


def _name(op: Op) -> str:
    return op.primitive if isinstance(op, Apply) else type(op).__name__.lower()


# --- sizes and types ----------------------------------------------------------------------------------------


def _check_size(where: str, size: object, sizes: frozenset[str]) -> None:
    _need(isinstance(size, int | Poly) and not isinstance(size, bool), where, f"{size!r} is not a size")
    unknown = variables(size) - sizes  # type: ignore[arg-type]
    _need(not unknown, where, f"size {', '.join(sorted(unknown))} is not declared")
    _need(isinstance(size, Poly) or size >= 0, where, f"size {size} is negative")  # type: ignore[operator]


def _check_type(where: str, type_: SlotType, sizes: frozenset[str]) -> None:
    match type_:
        case ArrayType(_, shape):
            for size in shape:
                _check_size(where, size, sizes)
        case FunType(inputs, outputs):
            for inner in (*inputs, *outputs):
                _check_type(where, inner, sizes)
        case DataType():
            pass
        case _:
            raise InternalError(f"{where}: {type_!r} is no type of a slot")


def _check_param(where: str, value: Param, sizes: frozenset[str]) -> None:
    if isinstance(value, tuple):
        for item in value:
            _check_param(where, item, sizes)
    elif isinstance(value, Poly):
        _check_size(where, value, sizes)


def _expect(where: str, what: str, found: Sequence[object], wanted: Sequence[object]) -> None:
    shown = [f"({', '.join(map(str, types))})" for types in (found, wanted)]
    _need(tuple(found) == tuple(wanted), where, f"{what} have types {shown[0]}, not {shown[1]}")


# --- steps --------------------------------------------------------------------------------------------------


def _check_step(where: str, step: Step, operands: Types, sizes: frozenset[str]) -> None:
    if not isinstance(step.op, Close | Call):
        _check_bodies(where, bodies(step.op), sizes)
    match step.op:
        case Constant(data):
            _expect(where, "operands", operands, ())
            _check_constant(where, data, step.types)
        case SizeValue(size):
            _check_size(where, size, sizes) if isinstance(size, Poly) else None
            _expect(where, "operands", operands, ())
            _expect(where, "results", step.types, (I64,))
        case Apply():
            _check_apply(where, step.op, step.types, operands, sizes)
        case Each():
            _check_each(where, step.op, step.types, operands, sizes)
        case Fold():
            _check_fold(where, step.op, step.types, operands, sizes)
        case Branch(arms):
            _check_branch(where, arms, step.types, operands)
        case Call(program):
            _check_bodies(where, (program,), sizes)
            _expect(where, "operands", operands, program.inputs)
            _expect(where, "results", step.types, program.output_types)
        case _:
            _check_full(where, step, operands, sizes)


def _check_bodies(where: str, programs: Iterable[Program], sizes: frozenset[str]) -> None:
    for program in programs:
        try:
            _check(program, sizes)
        except InternalError as error:
            raise InternalError(f"{where}, in {error}") from error


def _check_constant(where: str, data: bytes, types: Types) -> None:
    _need(len(types) == 1 and isinstance(types[0], ArrayType), where, "a literal is one array")
    (type_,) = types
    assert isinstance(type_, ArrayType)
    _need(all(isinstance(size, int) for size in type_.shape), where, f"a literal of open shape {type_}")
    item = _ITEM_BYTES.get(type_.dtype) or numpy_dtype(type_.dtype).itemsize
    wanted = item * type_.elements
    _need(len(data) == wanted, where, f"a literal {type_} takes {wanted} bytes, not {len(data)}")
    if type_.dtype == "bool":
        _need(set(data) <= {0, 1}, where, "a truth value is the byte 0 or 1")


def _check_apply(where: str, op: Apply, types: Types, operands: Types, sizes: frozenset[str]) -> None:
    names = [name for name, _ in op.params]
    _need(names == sorted(set(names)), where, f"parameters {names} are not sorted and distinct")
    for _, value in op.params:
        _check_param(where, value, sizes)
    arrays = tuple(type_ for type_ in operands if isinstance(type_, ArrayType))
    _need(len(arrays) == len(operands), where, "a primitive takes arrays only")
    try:
        wanted = result_types(op.primitive, arrays, op.params)
    except InternalError as error:
        raise InternalError(f"{where}: {error}") from error
    _expect(where, "results", types, wanted)


def _elements(where: str, arrays: Types, size: Size) -> Types:
    """The types of one element of each array, whose leading axis must have length `size`."""
    found: list[SlotType] = []
    for type_ in arrays:
        long = isinstance(type_, ArrayType) and bool(type_.shape) and type_.shape[0] == size
        _need(long, where, f"{type_} is no array of length {size}")
        assert isinstance(type_, ArrayType)
        found.append(type_.with_shape(type_.shape[1:]))
    return tuple(found)


def _combined(where: str, outputs: Types, combine: tuple[str, ...], size: Size) -> Types:
    _need(len(outputs) == len(combine), where, f"{len(outputs)} results are combined in {len(combine)} ways")
    found: list[SlotType] = []
    for type_, how in zip(outputs, combine, strict=True):
        _need(how in ("stack", "sum"), where, f"no way to combine is called {how!r}")
        _need(isinstance(type_, ArrayType), where, f"results of type {type_} cannot be combined")
        assert isinstance(type_, ArrayType)
        _need(how == "stack" or type_.dtype != "bool", where, "truth values cannot be summed")
        found.append(ArrayType(type_.dtype, (size, *type_.shape)) if how == "stack" else type_)
    return tuple(found)


def _check_each(where: str, op: Each, types: Types, operands: Types, sizes: frozenset[str]) -> None:
    _check_size(where, op.size, sizes)
    _need(0 <= op.captures <= len(operands), where, f"{op.captures} captures among {len(operands)} operands")
    elements = _elements(where, operands[op.captures :], op.size)
    _expect(where, "inputs of the body", op.body.inputs, (*operands[: op.captures], *elements, I64))
    _expect(where, "results", types, _combined(where, op.body.output_types, op.combine, op.size))


def _check_fold(where: str, op: Fold, types: Types, operands: Types, sizes: frozenset[str]) -> None:
    _check_size(where, op.size, sizes)
    outer = op.captures + op.arrays
    fits = op.captures >= 0 and op.arrays >= 0 and outer <= len(operands)
    _need(fits, where, f"{op.captures} captures and {op.arrays} arrays among {len(operands)} operands")
    captures, carry = operands[: op.captures], operands[outer:]
    elements = _elements(where, operands[op.captures : outer], op.size)
    _expect(where, "inputs of the body", op.body.inputs, (*captures, *elements, *carry, I64))
    outputs = op.body.output_types
    _expect(where, "the next carries", outputs[: len(carry)], carry)
    extras = _combined(where, outputs[len(carry) :], op.combine, op.size)
    _expect(where, "results", types, (*carry, *extras))
    if op.condition is not None:
        _need(not op.arrays and not op.combine, where, "a while loop has neither arrays nor extra results")
        _expect(where, "inputs of the condition", op.condition.inputs, (*captures, *carry))
        _expect(where, "outputs of the condition", op.condition.output_types, (BOOL,))


def _check_branch(where: str, arms: tuple[Program, ...], types: Types, operands: Types) -> None:
    _need(bool(operands) and bool(arms), where, "a branch needs a selector and arms")
    selector, captures = operands[0], operands[1:]
    variant = isinstance(selector, DataType)
    _need(variant or selector in (BOOL, I64), where, f"a selector of type {selector}")
    _need(selector != BOOL or len(arms) == 2, where, f"a truth value selects between 2 arms, not {len(arms)}")
    for arm in arms:
        given = arm.inputs[: len(captures)] if variant else arm.inputs
        _expect(where, f"inputs of arm {arm.name}", given, captures)
        _expect(where, f"outputs of arm {arm.name}", arm.output_types, types)


def _check_full(where: str, step: Step, operands: Types, sizes: frozenset[str]) -> None:
    """Steps of the full stage: functions and variants."""
    function = operands[0] if operands else None
    match step.op:
        case Function(sizes=own):
            for size in own:
                _check_size(where, size, sizes)
            _expect(where, "operands", operands, ())
            _need(len(step.types) == 1 and isinstance(step.types[0], FunType), where, "a definition is a function")
        case Close(program):
            _check_bodies(where, (program,), sizes)
            count = len(operands)
            _expect(where, "captures", operands, program.inputs[:count])
            _expect(where, "results", step.types, (FunType(program.inputs[count:], program.output_types),))
        case Invoke():
            _need(isinstance(function, FunType), where, f"{function} is not a function")
            assert isinstance(function, FunType)
            _expect(where, "arguments", operands[1:], function.inputs)
            _expect(where, "results", step.types, function.outputs)
        case Inject(tag):
            _need(tag >= 0, where, f"constructor number {tag}")
            _need(len(step.types) == 1 and isinstance(step.types[0], DataType), where, "a variant has a variant type")
        case Transform(params=params):
            for _, value in params:
                _check_param(where, value, sizes)
            _need(isinstance(function, FunType), where, f"{function} is not a function")
        case _:
            raise InternalError(f"{where}: {step.op!r} is no operation")


# --- rules --------------------------------------------------------------------------------------------------


def _check_rules(where: str, program: Program, sizes: frozenset[str]) -> None:
    """Custom derivatives: ``jvp`` takes inputs and tangents, ``vjp`` inputs and cotangents, of floats only."""
    inputs, outputs = program.inputs, program.output_types
    x_dots, y_dots = _floats(inputs), _floats(outputs)
    known = {"jvp": ((*inputs, *x_dots), y_dots), "vjp": ((*inputs, *y_dots), x_dots)}
    known.update(dict.fromkeys(SOLUTION, (inputs, outputs)))
    for kind, rule in program.rules:
        if isinstance(rule, Deferred):  # checked when a derivative asks for it
            continue
        here = f"{where}: rule {kind}"
        _need(kind in ("jvp", "vjp", "jet", *SOLUTION), here, "no such kind of rule")
        _check_bodies(here, (rule,), sizes)
        if kind in known:
            _expect(here, "inputs", rule.inputs, known[kind][0])
            _expect(here, "outputs", rule.output_types, known[kind][1])


def _floats(types: Types) -> Types:
    return tuple(type_ for type_ in types if isinstance(type_, ArrayType) and type_.is_float)
