"""Checks of single promises of the passes, on a few steps each; what is expected is written out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ...ad.activity import activity
from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.rules import scaled_by_partial
from ...ad.vmap import vmap
from ...lang.builder import Builder, body
from ...lang.ir import F64, Apply, ArrayType, Branch, Program, bodies
from ...lang.module import parse_module
from ...lang.passes import LIFT
from ...lang.primitives import get
from ...lang.primitives.row import Primitive, RuleContext, Smooth
from ...lang.sizes import variable
from ...lang.solution import solution
from ...lang.specialise import specialise
from ...lang.substitute import substitute_sizes
from ...semantics.reference import evaluate
from .caches import clear
from .check import Check, all_close, close
from .mutant import Mutant
from .rows import install

I64 = ArrayType("i64")
VECTOR = ArrayType("f64", (3,))


def hand_checks() -> Iterator[Check]:
    """Every check of this file."""
    for name, run in CHECKS.items():
        yield Check("passes", name, frozenset(), run)


# --- integers --------------------------------------------------------------------------------------------------------


def _mixed() -> Program:
    """A float and a whole number enter; whole numbers and a float leave."""
    return body("mixed", [F64, I64], lambda b, x: [b.apply("convert", x[0], dtype="i64"), _square(b, x[0]), x[1]])


def _square(b: Builder, slot: int) -> int:
    return b.apply("mul", slot, slot)


def _integer_results() -> None:
    """Integers among inputs and results have neither tangents nor cotangents, whatever flags say."""
    program = _mixed()
    for flags in (None, (True, True)):
        all_close(evaluate(forward(program, flags), [1.5, 3, 2.0]), [1, 2.25, 3, 6.0], 0, "tangent")
        all_close(evaluate(reverse(program, flags), [1.5, 3, 2.0]), [1, 2.25, 3, 6.0], 0, "cotangent")


def _only_what_moves() -> None:
    """A slot is active when it is a float that an active input reaches differentiably."""
    program = body(
        "reach", [F64, F64, ArrayType("bool")],
        lambda b, x: [
            b.apply("convert", x[0], dtype="i64"), b.apply("floor", x[0]), b.apply("where", x[2], x[0], x[1]),
            b.apply("sin", x[1]),
        ],
    )  # fmt: skip
    flags = activity(program, (True, False, False))
    if [flags[slot] for slot in program.outputs] != [False, False, True, False]:
        raise AssertionError(f"activity: {flags}")


# --- choices and calls -----------------------------------------------------------------------------------------------


def _arms() -> tuple[Program, Program]:
    """Two arms of two operands, the first one a factor."""
    first = body("sine", [F64, F64], lambda b, x: [b.apply("mul", x[0], b.apply("sin", x[1]))])
    return first, body("power", [F64, F64], lambda b, x: [b.apply("mul", x[0], b.apply("exp", x[1]))])


def _selectors() -> None:
    """A literal selector takes its arm; a literal operand says nothing about the selector."""
    for flag, wanted in ((False, 2 * np.cos(0.5)), (True, 2 * np.exp(0.5))):
        b = Builder("known", [F64])
        (y,) = b.emit(Branch(_arms()), (b.constant(flag, "bool"), b.constant(2.0), 0), [F64])
        close(evaluate(reverse(b.build([y])), [0.5, 1.0])[1], wanted, 1e-14, "cotangent of a known branch")
        b = Builder("open", [F64, ArrayType("bool")])
        (y,) = b.emit(Branch(_arms()), (1, b.constant(2.0), 0), [F64])
        close(evaluate(reverse(b.build([y])), [0.5, flag, 1.0])[1], wanted, 1e-14, "cotangent of an open branch")


def _calls() -> None:
    """A call without rules is differentiated through, and its whole results stay whole."""
    b = Builder("caller", [F64, I64])
    whole, square, same = b.call(_mixed(), (0, 1))
    y = b.apply("mul", square, b.apply("convert", b.apply("add", whole, same), dtype="f64"))
    program = b.build([y])
    close(evaluate(forward(program), [1.5, 3, 2.0])[1], 24.0, 0, "tangent of a call")
    close(evaluate(reverse(program), [1.5, 3, 2.0])[1], 24.0, 0, "cotangent of a call")
    lanes = evaluate(reverse(vmap(program, (True, False), 2)), [np.array([1.5, 2.5]), 3, np.ones(2)])
    all_close(lanes[:2], [[9.0, 31.25], [12.0, 25.0]], 0, "call over lanes")


RULES = """
def push(x: f64, x_dot: f64): f64 = 3.0 * x_dot
def pushed(x: f64): f64 with jvp push = x * x
def back(x: f64, z: f64): f64 = 5.0 * z
def pulled(x: f64): f64 with vjp back = x * x
def both(x: f64): f64 = pushed(x) * x + pulled(x) * 2.0
def through(x: f64, x_dot: f64): f64 = x_dot
def rounded(x: f64): f64 with jvp through = floor(x)
def straight(x: [3]f64): f64 = sum(for i < 3 => rounded(x[i])) * x[0]
def triple(x: f64, x_dot: f64): (f64, ()) = (3.0 * x_dot, ())
def counted(x: f64): (f64, i64) with jvp triple = (x * x, 3)
def repeated(x: f64): f64 = (loop (y, k) = (x, 1) for i < 3 do counted(y * f64(k))).0
"""


def _rules_count() -> None:
    """A rule that the user gives decides, also one that is not the derivative of its function."""
    module = parse_module(RULES)
    program = specialise(module.program("both"), module.definitions, {}, {})
    x, slope = 1.5, 3.0 * 1.5 + 1.5**2 + 5.0 * 2.0
    close(evaluate(forward(program), [x, 1.0])[1], slope, 1e-15, "tangent by rules")
    close(evaluate(reverse(program), [x, 1.0])[1], slope, 1e-15, "cotangent by rules")
    for mode in (forward, reverse):
        over = mode(vmap(program, (True,), 2))
        lanes = evaluate(over, [np.array([x, 0.0]), np.ones(2)])
        close(lanes[1], [slope, 10.0], 1e-15, "rules over lanes")
    repeated = specialise(module.program("repeated"), module.definitions, {}, {})
    for mode in (forward, reverse):
        close(evaluate(mode(repeated), [x, 1.0])[1], 243.0, 0, "a rule of a function with a whole number")
    straight = specialise(module.program("straight"), module.definitions, {}, {})
    xs = np.array([1.5, 0.25, -2.5])
    wanted = [1.5 - 2.0, 1.5, 1.5]
    close(evaluate(reverse(straight), [xs, 1.0])[1], wanted, 1e-15, "a rule of a function that jumps")
    close(evaluate(forward(straight), [xs, np.ones(3)])[1], sum(wanted), 1e-15, "the same forwards")


def _system() -> Program:
    """A solution of ``A x = b`` whose steps say nothing about derivatives."""
    types = [ArrayType("f64", (2, 2)), ArrayType("f64", (2, 1))]

    def solver(name: str, turned: bool) -> Program:
        def write(b: Builder, x: tuple[int, ...]) -> list[int]:
            matrix = b.apply("transpose", x[0], axes=(1, 0)) if turned else x[0]
            return [b.apply("stop_gradient", b.apply("solve", matrix, x[1]))]

        return body(name, types, write)

    def product(name: str, spec: str) -> Program:
        return body(name, types, lambda b, x: [b.apply("einsum", *x, spec=spec)])

    products = product("product", "ij,jk->ik"), product("turned product", "ji,jk->ik")
    return solution(solver("solver", turned=False), *products, solver("turned solver", turned=True))


def _solutions() -> None:
    """A stated solution is differentiated by its equation, also over lanes that share its matrix or not."""
    b = Builder("system", _system().inputs)
    program = b.build(b.call(_system(), (0, 1)))
    rng = np.random.default_rng(4)
    a, right = rng.normal(size=(3, 2, 2)) + 3 * np.eye(2), rng.normal(size=(3, 2, 1))
    a_dot, b_dot, z = rng.normal(size=(2, 2)), rng.normal(size=(2, 1)), rng.normal(size=(3, 2, 1))
    x = np.linalg.solve(a[0], right[0])
    wanted = np.linalg.solve(a[0], b_dot - a_dot @ x)
    close(evaluate(forward(program), [a[0], right[0], a_dot, b_dot])[1], wanted, 1e-13, "tangent of a solution")
    alone = evaluate(forward(program, (False, True)), [a[0], right[0], b_dot])[1]
    close(alone, np.linalg.solve(a[0], b_dot), 1e-13, "tangent by the right-hand side")
    alone = evaluate(forward(program, (True, False)), [a[0], right[0], a_dot])[1]
    close(alone, -np.linalg.solve(a[0], a_dot @ x), 1e-13, "tangent by the matrix")
    for mapped in ((True, True), (True, False), (False, True)):
        lanes = vmap(reverse(program), (*mapped, True), 3)
        operands = [many if on else many[0] for many, on in zip((a, right), mapped, strict=True)]
        _, a_bar, b_bar = evaluate(lanes, [*operands, z])
        pairs = [(a[k * mapped[0]], right[k * mapped[1]]) for k in range(3)]
        b_bars = [np.linalg.solve(m.T, z[k]) for k, (m, _) in enumerate(pairs)]
        a_bars = [-bar @ np.linalg.solve(m, r).T for bar, (m, r) in zip(b_bars, pairs, strict=True)]
        all_close([b_bar, a_bar], [np.stack(b_bars), np.stack(a_bars)], 1e-13, f"cotangents over lanes {mapped}")
    (bar,) = evaluate(reverse(program, (False, True)), [a[0], right[0], z[0]])[1:]
    close(bar, np.linalg.solve(a[0].T, z[0]), 1e-13, "cotangent of the right-hand side alone")


def _two_loops_in_one() -> None:
    """Two loops that come down to one step, since one gives what the other saves, keep both their derivatives."""

    def round_(saves: bool) -> Program:
        def write(b: Builder, x: tuple[int, ...]) -> list[int]:
            left, right = b.apply("exp", x[0]), b.apply("sin", x[0])
            return [b.apply("mul", left, right), *((left, right) if saves else ())]

        return body("scaled", [ArrayType("f64"), ArrayType("i64")], write)

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        _, left, right = b.each(3, [], [0], round_(saves=True), ["stack"] * 3)
        (whole,) = b.each(3, [], [0], round_(saves=False), ["stack"])
        return [b.apply("add", whole, b.apply("mul", left, b.apply("add", right, right)))]

    xs = np.array([0.3, -0.7, 1.1])
    wanted = 3 * np.exp(xs) * (np.sin(xs) + np.cos(xs))
    program = body("two loops", [ArrayType("f64", (3,))], write)
    close(evaluate(reverse(program), [xs, np.ones(3)])[1], wanted, 1e-14, "two loops in one")


def _origins() -> None:
    """Steps of batches and of derivatives know the place in the text that they come from."""
    module = parse_module("def wave(x: f64, y: f64): f64 = sin(x * y)")
    program = specialise(module.program("wave"), module.definitions, {}, {})
    spans = {step.origin for step in program.steps}
    for made in (vmap(program, (True, True), 3), forward(program), reverse(program)):
        found = {step.origin for step in made.steps if isinstance(step.op, Apply)}
        if None in found or not found <= spans:
            raise AssertionError(f"{made.name} comes from {found}, not {spans}")


# --- reads -----------------------------------------------------------------------------------------------------------


def _one_place_twice() -> None:
    """Two reads of one literal place that are different steps add up."""
    b = Builder("twice", [VECTOR])
    place = b.constant(1, "i64")
    reads = [b.apply("gather", 0, place, proved=proved) for proved in (True, False)]
    program = b.build([b.apply("mul", *reads)])
    close(evaluate(reverse(program), [np.array([1.0, 2.0, 3.0]), 1.0])[1], [0.0, 4.0, 0.0], 0, "one place twice")


def _proved_in_range() -> None:
    """What is written back for a read in two steps claims to be in range only where both steps were proved to be."""
    for outer in (True, False):
        for inner in (True, False):
            b = Builder("composed", [ArrayType("f64", (3, 2)), I64, I64])
            row = b.apply("gather", 0, 1, proved=outer)
            program = b.build([b.apply("gather", row, 2, proved=inner)])
            claims = [op["proved"] for op in _applied(reverse(program)) if op.primitive == "scatter_add"]
            if claims != [outer and inner]:
                raise AssertionError(f"reads proved {outer} and {inner} are written back as {claims}")


def _applied(program: Program) -> Iterator[Apply]:
    for step in program.steps:
        if isinstance(step.op, Apply):
            yield step.op
        for inner in bodies(step.op):
            yield from _applied(inner)


# --- rules of rows ---------------------------------------------------------------------------------------------------

# A partial derivative in every form that rules have, and its value at x0 = 0.75, x1 = -1.5, y = 4; None for an exact 0.
FORMS: tuple[tuple[str, float | None], ...] = (
    ("0", None), ("1", 1.0), ("2", 2.0), ("-1", -1.0), ("-0", None), ("x0", 0.75), ("-x1", 1.5), ("x0 * x1", -1.125),
    ("1 / x0", 1 / 0.75), ("2 / x0", 2 / 0.75), ("-(3 / x1)", 2.0), ("0 / x0", None), ("(x0 / x1) / y", -0.125),
    ("if x0 > x1 then 2 else 1", 2.0), ("if x0 < x1 then 2 else 1", 1.0), ("if x0 > x1 then 0 else x0", 0.0),
    ("if x0 > x1 then -1 / y else 0", -0.25), ("if 1 > 2 then x0 else x1", -1.5), ("if x0 > x1 then 0 else 0", None),
)  # fmt: skip


def _forms_of_rules() -> None:
    """A factor times a partial, in every form of rule."""
    for text, wanted in FORMS:
        row = Primitive("made up", "(f, f) -> f", Smooth((text, "0"), (text, "0")), "A row of this check.")
        b = Builder("factor", [F64] * 4)
        scaled = scaled_by_partial(RuleContext(b, (0, 1), (2,), ()), row, 0, 3)
        if scaled is None or wanted is None:
            if (scaled, wanted) != (None, None):
                raise AssertionError(f"the factor times {text} is {scaled}, not {wanted}")
            continue
        found = evaluate(b.build([scaled]), [0.75, -1.5, 4.0, 8.0])[0]
        close(found, 8.0 * wanted, 1e-15, f"8 times {text}")


def _stable_forms() -> None:
    """Both modes use the stable form of a partial where a row has one."""
    for name, x, wanted in (("asinh", 1e200, 1e-200), ("tanh", 20.0, 4 * np.exp(-40.0))):
        program = body(name, [F64], lambda b, x, name=name: [b.apply(name, x[0])])
        for mode in (forward, reverse):
            found = evaluate(mode(program), [x, 1.0])[1]
            close(found / wanted, 1.0, 1e-12, f"derivative of {name} far out")


def _exact_zeros() -> None:
    """A partial that is the number 0 contributes nothing, also not 0 times an infinity."""
    row = get("atan2")
    program = body("zero beside one", [F64, F64], lambda b, x: [b.apply("atan2", *x)])
    made_up = Mutant("rows", "none", row.name, "partials 1 and 0", partial(install, row, Smooth(("1", "0"))))
    clear()
    with made_up.installed():
        tangent = evaluate(forward(program), [0.5, 2.0, 3.0, np.inf])[1]
        bars = evaluate(reverse(program), [0.5, 2.0, 3.0])[1:]
    clear()
    close(tangent, 3.0, 0, "tangent by one operand")
    all_close(bars, [3.0, 0.0], 0, "cotangents by one operand")


# --- loops of no rounds ----------------------------------------------------------------------------------------------


def _no_rounds() -> None:
    """What can fail stays in a loop that may have no rounds."""
    size = variable("n")
    for failing in (_divided, _read_outside):
        inner = body("failing", [VECTOR, I64, I64], lambda b, x, failing=failing: [failing(b, x[0], x[1])])
        b = Builder("none", [VECTOR, I64], ("n",))
        program = b.build(b.each(size, [0, 1], [], inner, ["sum"]))
        lifted = substitute_sizes(LIFT.function(program), {"n": 0})
        close(evaluate(lifted, [np.ones(3), 0])[0], 0.0, 0, "sum of nothing")


def _divided(b: Builder, _: int, number: int) -> int:
    quotient = b.apply("floordiv", b.constant(7, "i64"), number)
    return b.apply("convert", quotient, dtype="f64")


def _read_outside(b: Builder, x: int, number: int) -> int:
    return b.apply("gather", x, b.apply("sub", number, b.constant(1, "i64")), proved=False)


CHECKS: dict[str, Callable[[], None]] = {
    "integer result: tangents": _integer_results,
    "activity: tangents": _only_what_moves,
    "selectors: cotangents": _selectors,
    "calls: cotangents": _calls,
    "rules of the user: cotangents": _rules_count,
    "solutions: cotangents": _solutions,
    "two loops in one: cotangents": _two_loops_in_one,
    "places in the text: batches": _origins,
    "one place: cotangents": _one_place_twice,
    "range of writes: cotangents": _proved_in_range,
    "forms of rules: cotangents": _forms_of_rules,
    "stable forms: tangents": _stable_forms,
    "exact zeros: tangents": _exact_zeros,
    "no rounds: values": _no_rounds,
}
