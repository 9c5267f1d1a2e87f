"""The hand-written peers agree with one another, and with a plain NumPy reading of the published formulas."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from benchmarks.problems import PROBLEMS, gmm, lstm
from pushforward.semantics.data import adbench

SMALL = {
    "gmm": gmm("small", "absent.txt", (3, 4, 6), None, 1),
    "lstm": lstm("small", "absent.txt", (3, 9), None, 1),
    "lotka_volterra": PROBLEMS["lynx_hare"](None, 0),
}


def gmm_by_hand(p: adbench.Gmm) -> float:
    """Sample by sample, component by component; entries of the triangle placed one at a time."""
    n, d = p.x.shape
    scores = np.zeros((n, len(p.alphas)))
    prior = 0.0
    for k, icf in enumerate(p.icf):
        matrix, rest = np.diag(np.exp(icf[:d])), iter(icf[d:])
        for column in range(d):
            for row in range(column + 1, d):
                matrix[row, column] = next(rest)
        for i in range(n):
            whitened = matrix @ (p.x[i] - p.means[k])
            scores[i, k] = p.alphas[k] + icf[:d].sum() - 0.5 * whitened @ whitened
        prior += 0.5 * p.gamma**2 * (matrix**2).sum() - p.m * icf[:d].sum()
    freedom = d + p.m + 1
    multivariate = 0.25 * d * (d - 1) * np.log(np.pi) + sum(gammaln(0.5 * (freedom - j)) for j in range(d))
    constant = freedom * d * (np.log(p.gamma) - 0.5 * np.log(2)) - multivariate
    evidence = logsumexp(scores, axis=1).sum() - n * logsumexp(p.alphas) - 0.5 * n * d * np.log(2 * np.pi)
    return float(evidence + prior - len(p.alphas) * constant)


def lstm_by_hand(p: adbench.Lstm) -> float:
    """Step by step over plain lists of layers."""
    width = p.sequence.shape[1]
    state, total = p.state.copy(), 0.0

    def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1.0 / (1.0 + np.exp(-x))

    for now, gold in zip(p.sequence[:-1], p.sequence[1:], strict=True):
        x = now * p.extra[0]
        for layer in range(len(p.main) // 2):
            hidden, cell = state[2 * layer], state[2 * layer + 1]
            gates = np.concatenate([x, hidden, x, hidden]) * p.main[2 * layer] + p.main[2 * layer + 1]
            f, i, o, g = gates.reshape(4, width)
            cell = cell * sigmoid(f) + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(cell)
            state[2 * layer], state[2 * layer + 1] = x, cell
        prediction = x * p.extra[1] + p.extra[2]
        total += gold @ (prediction - np.log(2.0 + np.exp(prediction).sum()))
    return float(-total / ((len(p.sequence) - 1) * width))


def values(kind: str) -> dict[str, float]:
    import jax

    formulations = importlib.import_module(f"benchmarks.peers.{kind}").FORMULATIONS
    with jax.enable_x64(True):
        return {name: float(jax.jit(f)(*SMALL[kind].arguments)) for name, f in formulations.items()}


@pytest.mark.parametrize("kind", SMALL)
def test_formulations_agree(kind: str) -> None:
    found = values(kind)
    assert len(found) >= 2
    np.testing.assert_allclose(list(found.values()), next(iter(found.values())), rtol=1e-12)


def test_mixture_matches_the_formula() -> None:
    expected = gmm_by_hand(adbench.generate_gmm(3, 4, 6, seed=1))
    np.testing.assert_allclose(values("gmm")["jax centred einsum"], expected, rtol=1e-12)


def test_lstm_matches_the_formula() -> None:
    expected = lstm_by_hand(adbench.generate_lstm(3, 9, seed=1))
    np.testing.assert_allclose(values("lstm")["jax plain scan"], expected, rtol=1e-12)


def test_missing_file_is_replaced_by_generated_data_and_noted(tmp_path: Path) -> None:
    problem = PROBLEMS["gmm_d2_k10"](tmp_path, 7)
    assert "generated" in problem.note
    assert problem.arguments[3].shape == (1000, 2)


def test_present_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "adbench" / "gmm").mkdir(parents=True)
    wanted = adbench.generate_gmm(2, 3, 1, seed=9)
    adbench.write_gmm(tmp_path / "adbench" / "gmm" / "test.txt", wanted)
    problem = PROBLEMS["gmm_test"](tmp_path, 0)
    assert problem.note == ""
    np.testing.assert_array_equal(problem.arguments[1], wanted.means)


def test_misfit_matches_a_fine_integration() -> None:
    """Against SciPy's adaptive solver, as far as ten Runge-Kutta steps per year reach."""
    from scipy.integrate import solve_ivp
    from scipy.stats import lognorm

    theta, initial, sigma, counts = SMALL["lotka_volterra"].arguments
    years = np.arange(len(counts))
    solved = solve_ivp(
        lambda _, z: [(theta[0] - theta[1] * z[1]) * z[0], (theta[3] * z[0] - theta[2]) * z[1]],
        (0.0, float(years[-1])),
        initial,
        t_eval=years,
        rtol=1e-10,
        atol=1e-10,
    )
    expected = -lognorm.logpdf(counts, sigma, scale=solved.y.T).sum()
    np.testing.assert_allclose(values("lotka_volterra")["jax flat scan"], expected, rtol=1e-4)
