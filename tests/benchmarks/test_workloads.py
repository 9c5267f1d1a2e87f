"""Workloads: their peers agree with one another and with our program."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import pushforward as pf
from benchmarks import worker
from benchmarks.areas import speed, workloads
from benchmarks.harness import Context
from benchmarks.timing import Run
from benchmarks.worker import distance, flat, our_contender, peer_contender
from benchmarks.workloads import JACOBIANS, SIZES, WORKLOADS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [*(maker.__name__ for maker in SIZES), "diffusion", "diffusion_seeds"])
def test_formulations_agree_with_one_another_and_with_ours(name: str) -> None:
    import jax

    problem = {**WORKLOADS, **JACOBIANS}[f"{name}_quick"](None, 2)
    formulations = importlib.import_module(f"benchmarks.peers.{problem.peers}").FORMULATIONS
    with jax.enable_x64(True):
        found = [flat(peer_contender(formulation, problem)()) for formulation in formulations.values()]
    ours = flat(our_contender(problem, ROOT, "llvm")())
    assert len(found) >= 2
    assert max(distance(other, ours) for other in found) < 1e-12


def test_only_the_ratios_of_auto_at_full_size_are_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run({"ours": [1.0], "jax": [2.0]}, {"ours": 1.0, "jax": 1.0}, {}, "", {"ours": 0.0, "jax": 0.0}, {})
    asked: list[tuple[str, str]] = []

    def measured(problem: str, context: Context, *, rounds: int, backend: str) -> Run:
        asked.append((problem, backend))
        return run

    monkeypatch.setattr(speed, "measure", measured)
    rows = workloads.rows(Context(ROOT))
    assert {row.id for row in rows if row.kind == "gate"} == {f"workloads/{maker.__name__}/auto" for maker in SIZES}
    assert len({row.id for row in rows}) == len(rows) == 6 * len(SIZES)
    assert all(row.kind == "aim" for row in workloads.rows(Context(ROOT, quick=True)))
    assert {problem for problem, _ in asked} == set(WORKLOADS)


def test_inputs_are_placed_as_the_chosen_back_end_wants() -> None:
    small, large = WORKLOADS["mlp_quick"](None, 0), WORKLOADS["attention"](None, 0)
    for problem, backend in ((small, "reference"), (large, "llvm")):
        program = pf.load(ROOT / problem.file)[problem.entry]
        assert worker.chosen(program.compile(), problem) == backend
        assert worker.chosen(program.compile("llvm"), problem) == "llvm"
