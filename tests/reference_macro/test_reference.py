"""The literal reverse macro against the production pass: equal programs on scalars, equal rationals on arrays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.ad.reference import macro
from pushforward.ad.reference.canonical import canonical
from pushforward.ad.reference.partial import RULES, normal_form
from pushforward.ad.reference.reverse import MAX_STEPS, reference_reverse, reference_term
from pushforward.ad.reference.terms import App, Lam, Let, Prim, Proj, Term, Var, Zero, children
from pushforward.ad.reverse import reverse
from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import Apply, ArrayType, Branch, Each, Program
from pushforward.lang.passes.simplify import simplify
from pushforward.lang.sizes import variable
from pushforward.semantics.exact import evaluate_exact

from .fragments import F64, I64, ROW, array_program, straight_line

VECTOR = ArrayType("f64", (variable("n"),))


def pick(draw: Callable[[st.SearchStrategy[int]], int]) -> Callable[[int], int]:
    return lambda count: draw(st.integers(0, count - 1))


@st.composite
def lines(draw: Callable[[st.SearchStrategy[int]], int]) -> Program:
    return straight_line(pick(draw), 8)


@st.composite
def arrays(draw: Callable[[st.SearchStrategy[int]], int]) -> Program:
    return array_program(pick(draw), 4)


@given(lines())
def test_scalar_programs_have_the_normal_form_of_the_production_pass(program: Program) -> None:
    reference = reference_reverse(program)
    check_program(reference)
    assert canonical(reference) == canonical(simplify(reverse(program)))


@given(arrays(), st.integers(0, 10**6))
def test_array_programs_agree_over_exact_rationals(program: Program, seed: int) -> None:
    reference = reference_reverse(program)
    check_program(reference)
    assert_equal_over_rationals(reference, reverse(program), seed)


def assert_equal_over_rationals(left: Program, right: Program, seed: int) -> None:
    random = Random(seed)
    given_ = [rationals(type_, random) for type_ in left.inputs if isinstance(type_, ArrayType)]
    for ours, theirs in zip(evaluate_exact(left, given_), evaluate_exact(right, given_), strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def rationals(type_: ArrayType, random: Random) -> object:
    shape = tuple(size if isinstance(size, int) else 4 for size in type_.shape)
    found = np.empty(shape, object)
    found.flat[:] = [Fraction(random.randrange(-5, 6), random.randrange(1, 4)) for _ in range(found.size)]
    return found if shape else found[()]


# --- the worked examples of the paper -----------------------------------------------------------------------


def product() -> Program:
    """The product of the elements: a fold."""
    inner = body("times", [F64, F64, I64], lambda b, x: [b.apply("mul", x[1], x[0])])
    b = Builder("product", [VECTOR], ("n",))
    return b.build(b.fold(variable("n"), [], [0], [b.constant(1.0)], inner))


def dot() -> Program:
    """The inner product: a map, summed."""
    inner = body("times", [F64, F64, I64], lambda b, x: [b.apply("mul", x[0], x[1])])
    b = Builder("dot", [VECTOR, VECTOR], ("n",))
    return b.build(b.each(variable("n"), [], [0, 1], inner, ["sum"]))


def affine() -> Program:
    """A fold with a free variable: c -> w * c + x."""
    inner = body("step", [F64, F64, F64, I64], lambda b, x: [b.apply("add", b.apply("mul", x[0], x[2]), x[1])])
    b = Builder("affine", [F64, VECTOR, F64], ("n",))
    return b.build(b.fold(variable("n"), [0], [1], [2], inner))


def nested() -> Program:
    """A map whose body sums another map that reads a free vector and a free scalar."""
    deep = body("deep", [F64, F64, F64, I64], lambda b, x: [b.apply("mul", b.apply("mul", x[0], x[1]), x[2])])
    outer = Builder("outer", [VECTOR, F64, F64, I64])
    row = outer.build(outer.each(variable("n"), [1, 2], [0], deep, ["sum"]))
    b = Builder("nested", [VECTOR, VECTOR, F64], ("n",))
    return b.build(b.each(variable("n"), [0, 2], [1], row, ["stack"]))


@pytest.mark.parametrize("make", [product, dot, affine, nested])
def test_open_sizes_agree_too(make: Callable[[], Program]) -> None:
    program = make()
    reference = reference_reverse(program)
    check_program(reference)
    assert_equal_over_rationals(reference, reverse(program), 7)


def test_the_gradient_of_an_inner_product_reads_no_map_of_ones() -> None:
    """Its two cotangents are z * B and z * A: one map each, and no zero or one is ever written."""
    reference = reference_reverse(dot())
    gradient = [step for step in reference.steps if isinstance(step.op, Each)]
    assert len(gradient) == 3
    assert all(len(step.op.body.steps) == 1 for step in gradient if isinstance(step.op, Each))


def test_a_product_with_a_zero_element_needs_no_division() -> None:
    value, gradient = evaluate_exact(reference_reverse(product()), [np.array([2, 0, 3], object), Fraction(1)])
    assert value == 0
    assert list(gradient) == [0, 6, 0]


def test_folds_need_not_be_associative() -> None:
    """The rule of scanl and scanr holds for x + 2 y^2 as well, which is no reduction."""
    inner = body(
        "step",
        [F64, F64, I64],
        lambda b, x: [b.apply("add", x[0], b.apply("mul", b.constant(2.0), b.apply("mul", x[1], x[1])))],
    )
    b = Builder("f", [VECTOR, F64], ("n",))
    program = b.build(b.fold(variable("n"), [], [0], [1], inner))
    assert_equal_over_rationals(reference_reverse(program), reverse(program), 3)


def test_a_fold_without_rounds_passes_the_cotangent_on() -> None:
    value, w_bar, x_bar, c_bar = evaluate_exact(reference_reverse(affine()), [3, np.empty(0, object), 5, 7])
    assert (value, w_bar, list(x_bar), c_bar) == (5, 0, [], 7)


# --- the macro and its rules --------------------------------------------------------------------------------


def terms(term: Term) -> list[Term]:
    return [term, *(deep for inner in children(term) for deep in terms(inner))]


@given(lines())
def test_every_continuation_is_used_once(program: Program) -> None:
    """Linear use of continuations is what the cost of the macro rests on."""
    _, term = reference_term(program)
    found = terms(term)
    bound = [inner.var.name for inner in found if isinstance(inner, Let) and isinstance(inner.value, Lam)]
    used = [inner.function.name for inner in found if isinstance(inner, App) and isinstance(inner.function, Var)]
    assert sorted(used) == sorted(bound)


@given(arrays())
def test_normal_forms_have_no_functions_and_are_fixpoints(program: Program) -> None:
    _, term = reference_term(program)
    normal = normal_form(term)
    assert not any(isinstance(inner, Lam | App | Proj) for inner in terms(normal))
    assert normal_form(normal) is normal


def test_zeros_of_the_program_are_not_dropped() -> None:
    """0 * e goes only where the macro made the 0: the program's own zero may meet an infinity."""
    own = Prim(Apply("mul"), (Var("x", F64), Var("y", F64)))
    assert normal_form(own) is own
    made = Prim(Apply("mul"), (Zero(F64), Var("y", F64)))
    assert normal_form(made) == Zero(F64)
    program = body("f", [F64], lambda b, x: [b.apply("mul", x[0], b.constant(0.0))])
    reference = reference_reverse(program)
    assert [step.op.primitive for step in reference.steps if isinstance(step.op, Apply)] == ["mul", "mul"]


def test_every_rule_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one rule some program's normal form changes or keeps a function."""
    from pushforward.ad.reference import partial

    programs = [straight_line(Random(seed).randrange, 6) for seed in range(30)]
    programs += [array_program(Random(seed).randrange, 2) for seed in range(30)]
    macros = [reference_term(program)[1] for program in programs]
    whole = [normal_form(term) for term in macros]
    for rule in RULES:
        monkeypatch.setattr(partial, "RULES", tuple(other for other in RULES if other is not rule))
        changed = (normal_form(term) != full for term, full in zip(macros, whole, strict=True))
        assert any(changed), rule.name


# --- limits -------------------------------------------------------------------------------------------------


def branching() -> Program:
    arm = body("arm", [F64], lambda b, x: [x[0]])
    b = Builder("branching", [F64, ArrayType("bool")])
    return b.build(b.emit(Branch((arm, arm)), (1, 0), (F64,)))


def long() -> Program:
    b = Builder("long", [F64])
    slot = 0
    for _ in range(MAX_STEPS + 1):
        slot = b.apply("sin", slot)
    return b.build([slot])


OUTSIDE: dict[str, Callable[[], Program]] = {
    "branch": branching,
    "steps": long,
    "sort": lambda: body("f", [ROW], lambda b, x: [b.apply("sort", x[0], axis=0)]),
    "abs": lambda: body("f", [F64], lambda b, x: [b.apply("abs", x[0])]),
    "mix scalars and arrays": lambda: body("f", [F64, ROW], lambda b, x: [b.apply("mul", x[0], x[1])]),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_lies_outside_is_refused(what: str) -> None:
    with pytest.raises(DiagnosticError, match=what) as caught:
        reference_reverse(OUTSIDE[what]())
    assert caught.value.diagnostics[0].code == "E118"


def test_programs_of_many_steps_stay_within_the_limits_of_the_machine() -> None:
    program = straight_line(lambda count: (count * 7) // 11, 2)
    b = Builder("chain", [F64, F64])
    slot = 0
    for k in range(40):
        slot = b.apply("mul" if k % 2 else "add", slot, 1)
    chain = b.build([slot])
    for line in (program, chain):
        assert canonical(reference_reverse(line)) == canonical(simplify(reverse(line)))


def test_a_wrong_partial_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is not between two copies of one mistake: spoiling the macro's rule breaks it."""
    program = body("f", [F64, F64], lambda b, x: [b.apply("mul", b.apply("sin", x[0]), x[1])])
    assert canonical(reference_reverse(program)) == canonical(simplify(reverse(program)))
    monkeypatch.setattr(macro, "_scaled_partial", lambda *_: lambda z: z)
    assert canonical(reference_reverse(program)) != canonical(simplify(reverse(program)))
