"""The demonstration: its model on the committed counts has the minimum that it prints, and the search finds it."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import pushforward as pf

EXAMPLES = Path(__file__).parents[2] / "examples"
MINIMUM = 122.926
# theta, z0, sigma
OPTIMUM = np.array([0.54001, 0.027156, 0.79660, 0.023702, 34.60, 5.844, 0.2184, 0.2201])


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("lynx_hare")


def test_counts_are_of_21_years(demo: ModuleType) -> None:
    years, counts = demo.read_counts()
    assert years.tolist() == list(range(1900, 1921))
    assert counts.shape == (21, 2)
    np.testing.assert_allclose(counts.sum(axis=0), [715.7, 423.5])


def test_value_and_gradient_at_the_optimum(demo: ModuleType) -> None:
    _, counts = demo.read_counts()
    value, gradient = demo.value_and_gradient(pf.load(EXAMPLES / "lynx_hare.pf"))(np.log(OPTIMUM), counts)
    assert value == pytest.approx(MINIMUM, abs=1e-3)
    assert np.abs(gradient).max() < 0.05
    away, slope = demo.value_and_gradient(pf.load(EXAMPLES / "lynx_hare.pf"))(np.log(1.1 * OPTIMUM), counts)
    assert away > value + 1.0
    assert np.abs(slope).max() > 1.0


def test_gradient_agrees_with_differences(demo: ModuleType) -> None:
    _, counts = demo.read_counts()
    evaluate = demo.value_and_gradient(pf.load(EXAMPLES / "lynx_hare.pf"))
    point, h = demo.first_guess(counts), 1e-5
    differences = [
        (evaluate(point + h * e, counts)[0] - evaluate(point - h * e, counts)[0]) / (2 * h) for e in np.eye(8)
    ]
    np.testing.assert_allclose(evaluate(point, counts)[1], differences, rtol=1e-6)


def test_search_from_the_guess_finds_the_optimum(demo: ModuleType) -> None:
    _, counts = demo.read_counts()
    found = demo.fit(demo.value_and_gradient(pf.load(EXAMPLES / "lynx_hare.pf")), counts, starts=2)
    assert found.value == pytest.approx(MINIMUM, abs=1e-3)
    assert found.agreeing == 2
    np.testing.assert_allclose(np.exp(found.logs), OPTIMUM, rtol=1e-3)


def test_steps_that_leave_the_positive_populations_are_sent_back(demo: ModuleType) -> None:
    _, counts = demo.read_counts()
    value, gradient = demo.value_and_gradient(pf.load(EXAMPLES / "lynx_hare.pf"))(np.full(8, 5.0), counts)
    assert value == 1e6
    assert not gradient.any()


def test_timing_compares_equal_results(demo: ModuleType) -> None:
    _, counts = demo.read_counts()
    program = pf.value_and_grad(pf.load(EXAMPLES / "lynx_hare.pf")["objective"])
    timing = demo.side_by_side(program, demo.first_guess(counts), counts, rounds=2)
    assert timing.difference < 1e-10
    assert len(timing.ours) == len(timing.jax) == 2


def test_picture_is_written(demo: ModuleType, tmp_path: Path) -> None:
    years, counts = demo.read_counts()
    states = demo.trajectory(pf.load(EXAMPLES / "lynx_hare.pf"), np.log(OPTIMUM), 20)
    assert states.shape == (201, 2)
    demo.draw(tmp_path / "deep" / "fit.png", years, counts, states, OPTIMUM[6:], MINIMUM)
    assert (tmp_path / "deep" / "fit.png").read_bytes().startswith(b"\x89PNG")
