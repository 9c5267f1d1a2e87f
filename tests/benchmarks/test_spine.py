"""The measurements of the main road notice what they are there to notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

import pushforward as pf
from benchmarks.areas import guarded, spine_worker
from benchmarks.areas.spine_entries import entries, float_slots, is_scalar
from benchmarks.areas.spine_nesting import FAMILIES, nest, ratio
from benchmarks.areas.spine_primitives import error
from benchmarks.areas.spine_programs import ARRAY_RATIO, claims_row, ir_rows, ratio_row, slope
from benchmarks.areas.spine_scatter import TEXT, count, largest
from benchmarks.harness import Context, Row
from pushforward.ad.cost import Cost
from pushforward.ad.derive import value_and_gradient
from pushforward.ad.reverse import reverse
from pushforward.lang.builder import Builder
from pushforward.lang.ir import Program

ROOT = Path(__file__).resolve().parents[2]

POISONED = """
from benchmarks.areas.spine_worker import without_rules
without_rules()
import jax, jax.experimental.jet
from jax._src.interpreters import ad
def raises(call):
    try:
        call()
    except AssertionError:
        return True
    return False
calls = [
    lambda: jax.grad(jax.numpy.sin)(1.0),
    lambda: jax.vjp(jax.numpy.sin, 1.0),
    lambda: jax.jvp(jax.numpy.sin, (1.0,), (1.0,)),
    lambda: jax.linearize(jax.numpy.sin, 1.0),
    lambda: jax.experimental.jet.jet(jax.numpy.sin, (1.0,), ((1.0,),)),
    lambda: ad.primitive_jvps[jax.lax.sin_p],
    lambda: ad.primitive_transposes.get(jax.lax.mul_p),
]
print([raises(call) for call in calls])
"""

BLOCKED = """
from benchmarks.areas.spine_worker import without_jax
without_jax()
try:
    import jax
except ImportError as error:
    print(error)
"""


def run(text: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_taken_away_derivatives_raise() -> None:
    assert run(POISONED) == str([True] * 7)


def test_taken_away_jax_cannot_be_imported() -> None:
    assert run(BLOCKED) == "jax is taken away"


def test_a_wrong_transpose_fails_the_adjoint_test(monkeypatch: pytest.MonkeyPatch) -> None:
    program = pf.parse("def f(x: f64, y: f64): f64 = sin(x) * y")["f"].first()
    point = [np.float64(0.3), np.float64(0.7)]

    def wrong(one: Program, active: tuple[bool, ...]) -> Program:
        right = reverse(one, active)
        b = Builder(right.name, right.inputs, right.sizes)
        value, x_bar, y_bar = b.inline(right, range(len(right.inputs)))
        return b.build([value, b.apply("neg", x_bar), y_bar])

    assert spine_worker.dot_error(program, point, 0) < 1e-15
    monkeypatch.setattr(spine_worker, "reverse", wrong)
    assert spine_worker.dot_error(program, point, 0) > 0.01


def test_a_false_claim_is_counted_on_both_back_ends(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "programs"
    folder.mkdir(parents=True)
    (folder / "square.pf").write_text(
        "def square(x: f64): f64 = x * x\n\n"
        'test "square" {\n  check square(3.0) ~= 9.0\n  check square(3.0) ~= 8.0\n}\n'
    )
    row = claims_row(Context(tmp_path))
    assert (row.value, row.ok, row.samples) == (2.0, False, 4)
    assert "square(3.0) ~= 8.0" in row.note


def test_entries_are_the_definitions_with_a_gradient() -> None:
    found = {entry.id: entry for entry in entries(ROOT)}
    assert {"rosenbrock:rosenbrock", "gmm:gmm", "lstm:lstm", "lynx_hare:misfit"} <= found.keys()
    assert "lotka_volterra_rk4:step" not in found and "gmm:triangle_place" not in found
    assert is_scalar(found["rosenbrock:rosenbrock"].first("large"))
    gather = found["weighted_gather:weighted_gather"].first("large")
    assert not is_scalar(gather) and float_slots(gather) == (0, 1)


def test_small_programs_are_shown_but_not_held_to_the_ratio() -> None:
    costs = {"a:f": Cost(1000, 3000, 5, 9), "a:g": Cost(10, 90, 5, 9)}
    row = ratio_row(ARRAY_RATIO, costs, 1000)
    assert (row.value, row.ok) == (3.0, True)
    assert "g 9.00" in row.note
    assert ratio_row(ARRAY_RATIO, costs, 10).ok is False


def test_a_program_that_grows_too_much_is_named() -> None:
    costs = {"a:f": Cost(1, 1, 10, 90), "a:g": Cost(1, 1, 1, 9), "a:h": Cost(1, 1, 20, 40), "a:empty": Cost(0, 0, 0, 1)}
    long, short = ir_rows(costs)
    assert (long.value, long.ok, long.note) == (9.0, False, "a:f")
    assert (short.value, short.ok) == (9.0, False)
    assert "a:g: 1 to 9 steps" in short.note


def test_slope_of_quadratic_work_is_two() -> None:
    assert slope([10, 100, 1000], [7 * size**2 for size in (10, 100, 1000)]) == pytest.approx(2.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_nests_do_the_work_of_their_depth(family: str) -> None:
    text = nest(FAMILIES[family], 3, "n: size, x: [n]f64, w: [n]f64")
    small, large = (ratio(text, size)[1] for size in (6, 12))
    assert 7 < large / small < 9


def test_scatters_are_counted_in_bodies_too() -> None:
    first = pf.parse(TEXT)["gathered"].first({"n": 5, "m": 6, "k": 30})
    gradient = value_and_gradient(first, (0, 1))
    assert (count(first, "scatter_add"), count(gradient, "scatter_add")) == (0, 1)
    assert largest(gradient) == 30


def test_error_is_in_units_in_the_last_place() -> None:
    assert error(float(np.nextafter(1.0, 2.0)), mpmath.mpf(1), 1) == pytest.approx(1.0)
    assert error(1.5, mpmath.mpf(1), mpmath.mpf(2) ** 51) == pytest.approx(1.0)
    assert error(float("nan"), mpmath.mpf(1), 1) == float("inf")


def test_a_measurement_that_breaks_is_a_failed_gate() -> None:
    def broken(_: Context) -> list[Row]:
        raise ValueError("no such thing")

    (row,) = guarded("spine", "demo", broken, Context(ROOT))
    assert (row.kind, row.ok, row.note) == ("gate", False, "ValueError: no such thing")
