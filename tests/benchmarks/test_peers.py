"""The hand-written peers agree with one another, and with a plain NumPy reading of the published formulas."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import gammaln, logsumexp

import pushforward as pf
from benchmarks.problems import PROBLEMS, bundle, gmm, hand, lstm
from benchmarks.worker import distance, flat
from pushforward.semantics.data import adbench, adbench_hand

ROOT = Path(__file__).parents[2]
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


JACOBIANS = {
    "ba": bundle("small", "absent.txt", (2, 3, 7), None, 1),
    "hand": hand("small", "absent.txt", 5, False, None, 1),
    "hand_triangles": hand("small", "absent.txt", 5, True, None, 1),
}


@pytest.mark.parametrize("kind", JACOBIANS)
def test_jacobians_agree_with_one_another_and_with_ours(kind: str) -> None:
    import jax

    problem = JACOBIANS[kind]
    formulations = importlib.import_module(f"benchmarks.peers.{kind}").FORMULATIONS
    with jax.enable_x64(True):
        found = [flat(jax.jit(f)(*problem.arguments)) for f in formulations.values()]
    program = pf.load(ROOT / problem.file)[problem.entry]
    ours = [flat(program.compile(backend)(*problem.arguments)) for backend in ("reference", "llvm")]
    assert len(found) >= 2
    for other in (*found[1:], *ours):
        assert distance(other, found[0]) < 1e-12


def hand_by_hand(theta: NDArray[np.float64], model: adbench_hand.HandModel) -> NDArray[np.float64]:
    """Bone by bone in homogeneous coordinates: where the model's vertices go."""

    def motion(x: float, y: float, z: float) -> NDArray[np.float64]:
        found = np.eye(4)
        found[:3, :3] = Rotation.from_euler("xyz", [x, y, z]).as_matrix()
        return found

    bent, numbers = {bone: np.eye(4) for bone in range(22)}, iter(theta[6:])
    for finger in range(5):
        for joint in range(1, 4):
            x, z = next(numbers), next(numbers) if joint == 1 else 0.0
            bent[1 + 4 * finger + joint] = motion(x, 0.0, z)
    absolute: list[NDArray[np.float64]] = []
    for bone, parent in enumerate(model.parents.tolist()):
        own = model.relatives[bone] @ bent[bone]
        absolute.append(own if parent < 0 else absolute[parent] @ own)
    homogeneous = np.concatenate([model.positions, np.ones((len(model.positions), 1))], axis=1)
    moved = [homogeneous @ (absolute[b] @ model.inverses[b]).T for b in range(22)]
    skinned = sum(model.weights[:, b : b + 1] * moved[b][:, :3] for b in range(22))
    return Rotation.from_rotvec(theta[:3]).apply(skinned) + theta[3:6]


def test_hand_matches_the_formula() -> None:
    model, problem = adbench_hand.generate_hand_model(seed=1), adbench_hand.generate_hand(5, seed=1)
    wanted = problem.points - hand_by_hand(problem.theta, model)[problem.correspondences]
    ours = pf.load(ROOT / JACOBIANS["hand"].file)["simple_jacobian"](*JACOBIANS["hand"].arguments)[0]
    np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-12)


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
