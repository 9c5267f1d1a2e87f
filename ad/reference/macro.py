"""The reverse macro, literally: programs in unary form enter, terms with continuations leave.

At every step the context of float slots comes with a continuation ``Y`` that maps cotangents of that context to
the result. A step that appends a result ``v`` gives ``Y' = fun (x_hat, z) -> Y (x_hat + J^T z)``, where ``J^T`` is
the transposed Jacobian of the step and only the operands' entries change: the macro on unary form of Huot &
Shaikhha 2022 (arXiv 2212.09801), with the transposed Jacobians of map2, reduce with free variables, and foldl from
its generalisations. Each continuation is used once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...lang.builder import Builder
from ...lang.diagnostics import DiagnosticError, fail
from ...lang.ir import Apply, ArrayType, Constant, Each, Fold, Program, SizeValue, Step, as_array
from ...lang.primitives import get
from ...lang.primitives.row import Linear, RuleContext, Smooth
from ...lang.primitives.rules import expression, partial
from .terms import (
    App,
    End,
    Lam,
    Let,
    Literal,
    Map,
    Names,
    One,
    Prim,
    Proj,
    Reduce,
    ScanL,
    ScanR,
    Shift,
    Term,
    Tuple,
    Var,
    Zero,
    apply,
    stacked,
    type_of,
)

Bindings = list[tuple[Var, Term]]
Contribution = tuple[int, Callable[[Term], Term]]  # operand slot, and z -> what its cotangent grows by


def unsupported(what: str) -> DiagnosticError:
    """An E118, to be raised by the caller."""
    return fail("E118", f"the reference macro does not know {what}", hint="use the production pass `ad.reverse`")


def is_float(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.is_float


# --- the meaning of a program as a term ---------------------------------------------------------------------


def source_terms(program: Program, args: Sequence[Term], names: Names) -> tuple[Bindings, list[Term]]:
    """Bindings of a program's steps onto arguments, and the terms of all its slots."""
    bindings: Bindings = []
    slots: list[Term] = list(args)
    for step in program.steps:
        for value in _values(step, [slots[slot] for slot in step.operands], names):
            var = names.fresh("v", type_of(value))
            bindings.append((var, value))
            slots.append(var)
    return bindings, slots


def lets(bindings: Bindings, body: Term) -> Term:
    """Nested lets around a body."""
    for var, value in reversed(bindings):
        body = Let(var, value, body)
    return body


def output_term(program: Program, output: int, args: Sequence[Term], names: Names) -> Term:
    """One output of a program as a term over its arguments."""
    bindings, slots = source_terms(program, args, names)
    return lets(bindings, slots[program.outputs[output]])


def _values(step: Step, operands: list[Term], names: Names) -> list[Term]:
    """The terms of a step's results."""
    match step.op:
        case Constant() | SizeValue():
            (type_,) = step.types
            assert isinstance(type_, ArrayType)
            return [Literal(step.op, type_)]
        case Apply(primitive):
            if not get(primitive).elementwise:
                raise unsupported(f"the primitive {primitive}")
            return [Prim(step.op, tuple(operands))]
        case Each():
            return [_each_value(step.op, operands, k, names) for k in range(len(step.op.combine))]
        case Fold():
            return [End(False, _states(step.op, operands, names))]
        case _:
            raise unsupported(type(step.op).__name__.lower())


def _element_params(arrays: Sequence[Term], names: Names) -> list[Var]:
    types = [type_of(array) for array in arrays]
    return [names.fresh("e", type_.with_shape(type_.shape[1:])) for type_ in types]


def _position(names: Names) -> Var:
    return names.fresh("i", ArrayType("i64"))


def _each_value(op: Each, operands: Sequence[Term], output: int, names: Names) -> Term:
    captures, arrays = operands[: op.captures], operands[op.captures :]
    params = (*_element_params(arrays, names), _position(names))
    array = Map(op.size, params, output_term(op.body, output, [*captures, *params], names), tuple(arrays))
    return array if op.combine[output] == "stack" else Reduce(array)


def _states(op: Fold, operands: Sequence[Term], names: Names) -> ScanL:
    """All states of a fold: scanl."""
    captures, arrays = operands[: op.captures], operands[op.captures : op.captures + op.arrays]
    initial = operands[op.captures + op.arrays :]
    if len(initial) != 1 or op.combine or op.reverse or op.condition is not None:
        raise unsupported("a fold with several results, a condition or the other direction")
    type_ = type_of(initial[0])
    if type_.shape or not type_.is_float:
        raise unsupported(f"a fold with a carry of type {type_}")
    params = (*_element_params(arrays, names), names.fresh("s", type_), _position(names))
    body = output_term(op.body, 0, [*captures, *params], names)
    return ScanL(op.size, params, body, initial[0], tuple(arrays))


# --- the macro ----------------------------------------------------------------------------------------------


def differentiate(
    program: Program, args: Sequence[Term], names: Names, finish: Callable[[list[Term], Var, list[int]], Term]
) -> Term:
    """The program with its continuation: ``finish`` gets all slots, the last ``Y`` and the float slots it maps.

    ``Y`` gives the cotangents of the float inputs as a tuple: the macro starts from the identity.
    """
    slots: list[Term] = list(args)
    context = [k for k, type_ in enumerate(program.inputs) if is_float(type_)]
    params = [_param(slots, k, names) for k in context]
    continuation = names.fresh("Y")
    bindings: Bindings = [(continuation, Lam(tuple(params), Tuple(tuple(params))))]
    for step in program.steps:
        operands = [slots[slot] for slot in step.operands]
        for k in range(len(step.types)):
            value, contributions = _step(step, operands, k, bindings, names)
            var = names.fresh("v", type_of(value))
            bindings.append((var, value))
            slots.append(var)
            if is_float(var.type):
                continuation = _extend(continuation, slots, context, contributions(var), step, bindings, names)
                context.append(len(slots) - 1)
    return lets(bindings, finish(slots, continuation, context))


def _param(slots: Sequence[Term], slot: int, names: Names) -> Var:
    return names.fresh("x", type_of(slots[slot]))


def _extend(
    continuation: Var,
    slots: Sequence[Term],
    context: Sequence[int],
    contributions: Sequence[Contribution],
    step: Step,
    bindings: Bindings,
    names: Names,
) -> Var:
    """Bind ``Y' = fun (x_hat, z) -> Y (x_hat + J^T z)``."""
    params = {slot: _param(slots, slot, names) for slot in context}
    z = names.fresh("z", type_of(slots[-1]))
    totals: dict[int, Term] = dict(params)
    for operand, rule in contributions:
        slot = step.operands[operand]
        totals[slot] = apply("add", totals[slot], rule(z))
    extended = names.fresh("Y")
    body = App(continuation, tuple(totals[slot] for slot in context))
    bindings.append((extended, Lam((*params.values(), z), body)))
    return extended


def seeds(slots: Sequence[Term], context: Sequence[int], given: Sequence[tuple[int, Term]]) -> tuple[Term, ...]:
    """The cotangents to start from: zero, plus what is given for a slot."""
    totals: dict[int, Term] = {slot: Zero(type_of(slots[slot])) for slot in context}
    for slot, z in given:
        totals[slot] = apply("add", totals[slot], z)
    return tuple(totals.values())


def pullback(program: Program, output: int, args: Sequence[Term], z: Term, names: Names) -> Term:
    """The tuple of cotangents of a body's float inputs, for one output with cotangent `z`."""

    def finish(slots: list[Term], continuation: Var, context: list[int]) -> Term:
        return App(continuation, seeds(slots, context, [(program.outputs[output], z)]))

    return differentiate(program, args, names, finish)


# --- transposed Jacobians -----------------------------------------------------------------------------------


def _step(
    step: Step, operands: list[Term], result: int, bindings: Bindings, names: Names
) -> tuple[Term, Callable[[Var], list[Contribution]]]:
    """The value of one result and, given its variable, the contributions to the cotangents of float operands."""
    match step.op:
        case Each() as each:
            value = _each_value(each, operands, result, names)
            return value, lambda _: _each_rules(each, operands, result, names)
        case Fold() as fold:
            scan = _states(fold, operands, names)
            states = names.fresh("s", type_of(scan))
            bindings.append((states, scan))
            return End(False, states), lambda _: _fold_rules(fold, operands, states, bindings, names)
        case Apply() as primitive:
            (value,) = _values(step, operands, names)
            return value, lambda var: _apply_rules(primitive, operands, var)
        case _:
            (value,) = _values(step, operands, names)
            return value, lambda _: []


def _apply_rules(op: Apply, operands: Sequence[Term], result: Var) -> list[Contribution]:
    """``z`` times the partial derivative, per float operand; the partial is read off the primitive's row."""
    derivative = get(op.primitive).derivative
    rules: list[Contribution] = []
    for k, operand in enumerate(operands):
        if not is_float(type_of(operand)):
            continue
        if isinstance(derivative, Linear) and isinstance(derivative.transposes, tuple):
            if derivative.transposes[k] is None:
                continue
        elif not isinstance(derivative, Smooth):
            raise unsupported(f"the derivative of {op.primitive}")
        rules.append((k, _scaled_partial(op, operands, result, k)))
    return rules


def _scaled_partial(op: Apply, operands: Sequence[Term], result: Var, k: int) -> Callable[[Term], Term]:
    types = [type_of(operand) for operand in operands]
    row = get(op.primitive)
    b = Builder(op.primitive, [*types, type_of(result), type_of(result)])
    y, z = len(types), len(types) + 1
    context = RuleContext(b, tuple(range(len(types))), (y,), op.params)
    if isinstance(row.derivative, Linear) and isinstance(row.derivative.transposes, tuple):
        rule = row.derivative.transposes[k]
        if not isinstance(rule, str):
            raise unsupported(f"the derivative of {op.primitive}")
        named = {f"x{number}": number for number in range(len(types))}
        scaled = expression(b, rule, {**named, "y": y, "z": z}, dict(op.params))
    else:
        scaled = b.apply("mul", z, partial(context, row, k))
    program = b.build([_fitted(b, scaled, types[k])])
    return lambda bar: _tree(program, [*operands, result, bar])


def _tree(program: Program, args: Sequence[Term]) -> Term:
    """The output of a program of primitives as one term without lets, so that rules on products see it whole."""
    slots = list(args)
    for step in program.steps:
        slots.extend(_values(step, [slots[slot] for slot in step.operands], Names()))
    return slots[program.outputs[0]]


def _fitted(b: Builder, slot: int, type_: ArrayType) -> int:
    if b.array_type(slot).shape != type_.shape:
        raise unsupported("primitives that mix scalars and arrays")
    return slot


def _each_rules(op: Each, operands: Sequence[Term], output: int, names: Names) -> list[Contribution]:
    """map2: cotangents of elements are a map of the body's pullback, those of free variables its sum."""
    captures, arrays = operands[: op.captures], operands[op.captures :]
    floats = [k for k, type_ in enumerate(op.body.inputs) if is_float(type_)]

    def rule(k: int, z: Term) -> Term:
        params = (*_element_params(arrays, names), _position(names))
        stack = op.combine[output] == "stack"
        inner = names.fresh("z", as_array(op.body.output_types[output]))
        bars = pullback(op.body, output, [*captures, *params], inner if stack else z, names)
        body = Proj(floats.index(k), bars)
        if stack:
            array: Term = Map(op.size, (*params[:-1], inner, params[-1]), body, (*arrays, z))
        else:
            array = Map(op.size, params, body, tuple(arrays))
        return Reduce(array) if k < op.captures else array

    return [(k, lambda z, k=k: rule(k, z)) for k in floats]


def _fold_rules(
    op: Fold, operands: Sequence[Term], states: Var, bindings: Bindings, names: Names
) -> list[Contribution]:
    """foldl: partials along the states of scanl, weighted by scanr of the partials by the state."""
    captures, arrays = operands[: op.captures], operands[op.captures : op.captures + op.arrays]
    floats = [k for k, type_ in enumerate(op.body.inputs) if is_float(type_)]
    carry = op.captures + op.arrays
    scalar = type_of(operands[carry])
    before = Shift(False, states)

    def partials(k: int) -> Map:
        params = (*_element_params(arrays, names), names.fresh("s", scalar), _position(names))
        bars = pullback(op.body, 0, [*captures, *params], One(scalar), names)
        return Map(op.size, params, Proj(floats.index(k), bars), (*arrays, before))

    weights = names.fresh("w", stacked(scalar, type_of(states).shape[0]))
    bindings.append((weights, ScanR(partials(carry))))

    def rule(k: int, z: Term) -> Term:
        if k == carry:
            return apply("mul", End(True, weights), z)
        array = partials(k)
        element, weight = names.fresh("e", as_array(op.body.inputs[k])), names.fresh("w", scalar)
        body = apply("mul", element, apply("mul", weight, z))
        weighted = Map(op.size, (element, weight, _position(names)), body, (array, Shift(True, weights)))
        return Reduce(weighted) if k < op.captures else weighted

    return [(k, lambda z, k=k: rule(k, z)) for k in floats]
