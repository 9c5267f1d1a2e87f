"""Linear systems traced from JAX are differentiated by their equation, never through the solver; JAX is the oracle."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pushforward.ad.full import forward_full
from pushforward.ad.reverse import reverse
from pushforward.ad.vmap import vmap
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import Apply, Call, Program, as_array, bodies
from pushforward.lang.text.parse_ir import parse_program
from pushforward.lang.text.print_ir import show_program
from pushforward.semantics.reference import evaluate

from .agreement import agree, traced

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def regular(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape) + 3 * np.eye(shape[-1])


def _counts(program: Program) -> Counter[str]:
    """How often each primitive stands in a program and in its bodies."""
    found: Counter[str] = Counter()
    for step in program.steps:
        found.update([step.op.primitive] if isinstance(step.op, Apply) else [])
        for body in bodies(step.op):
            found.update(_counts(body))
    return found


def test_a_matrix_is_factorised_once_for_both_ways() -> None:
    program = reverse(traced(jnp.linalg.solve, regular(9, 9), normal(9)))
    counts = _counts(program)
    assert counts["lu"] == 1 and counts["triangular_solve"] == 4


def test_a_solver_is_never_differentiated() -> None:
    """Rounds of an iteration give an answer; what is differentiated is the equation alone."""

    def rounds(matvec: Any, b: Any) -> Any:
        return lax.fori_loop(0, 60, lambda _, x: x + 0.1 * (b - matvec(x)), jnp.zeros_like(b))

    def solve(a: Any, b: Any) -> Any:
        return lax.custom_linear_solve(lambda x: a @ x, b, rounds, rounds)

    a = np.eye(4) * 8 + normal(4, 4) / 4
    agree(solve, a, normal(4), compiled=True, rtol=1e-9, atol=1e-10)


def test_solutions_in_loops_and_branches() -> None:
    def loop(a: Any, b: Any) -> list[Any]:
        def step(c: Any, _: Any) -> Any:
            other = lax.cond(c[0] > 0, lambda c: jnp.linalg.solve(a, c) + b, lambda c: jnp.linalg.solve(a.T, c) - b, c)
            return other, c[1]

        return list(lax.scan(step, b, None, length=4))

    agree(loop, regular(3, 3), normal(3), compiled=True, rtol=1e-10)


@pytest.mark.parametrize("mapped", [(True, False), (False, True), (True, True)])
def test_batches_of_solutions_are_solutions(mapped: tuple[bool, bool]) -> None:
    a, b = regular(4, 4), normal(4)
    program = vmap(traced(jnp.linalg.solve, a, b), mapped, 3)
    check_program(program)
    xs = [np.stack([x, x + 0.3, x - 0.2]) if on else x for x, on in zip((a, b), mapped, strict=True)]
    bar = normal(3, 4)
    with jax.enable_x64(True):
        lanes = jax.vmap(jnp.linalg.solve, tuple(0 if on else None for on in mapped))
        value, pull = jax.vjp(lanes, *xs)
        bars = pull(bar)
    for run in (evaluate, lambda one, x: compile_xla(one)(x)):
        found = run(reverse(program), [*xs, bar])
        for ours, theirs in zip(found, (value, *bars), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_lanes_that_share_a_matrix_factorise_it_once() -> None:
    program = traced(jnp.linalg.solve, regular(4, 4), normal(4))
    lanes = vmap(reverse(program), (False, False, True), 5)
    shapes = {step.op.primitive: step.types for step in lanes.steps if isinstance(step.op, Apply)}
    assert str(shapes["lu"][0]) == "[4, 4]f64"
    calls = [(step.op.program, as_array(step.types[0])) for step in lanes.steps if isinstance(step.op, Call)]
    (call,) = [program for program, type_ in calls if type_.rank == 2]
    assert [str(type_) for type_ in call.inputs][0] == "[4, 4]f64"


def test_solutions_among_functions_as_values() -> None:
    a, b, a_dot, b_dot = regular(4, 4), normal(4), normal(4, 4), normal(4)
    pushed = forward_full(traced(jnp.linalg.solve, a, b))
    with jax.enable_x64(True):
        wanted = jax.jvp(jnp.linalg.solve, (a, b), (a_dot, b_dot))
    for ours, theirs in zip(evaluate(pushed, [a, b, a_dot, b_dot]), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)


def test_the_equation_is_part_of_the_text_of_a_program() -> None:
    program = traced(jnp.linalg.solve, regular(4, 4), normal(4))
    text = show_program(program)
    assert "rule matvec" in text and parse_program(text) == program
