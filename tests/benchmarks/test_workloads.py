"""Workloads: their peers agree with one another and with our program."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from benchmarks.worker import distance, flat, our_contender, peer_contender
from benchmarks.workloads import SIZES, WORKLOADS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [maker.__name__ for maker in SIZES])
def test_formulations_agree_with_one_another_and_with_ours(name: str) -> None:
    import jax

    problem = WORKLOADS[f"{name}_quick"](None, 2)
    formulations = importlib.import_module(f"benchmarks.peers.{problem.peers}").FORMULATIONS
    with jax.enable_x64(True):
        found = [flat(peer_contender(formulation, problem)()) for formulation in formulations.values()]
    ours = flat(our_contender(problem, ROOT, "llvm")())
    assert len(found) >= 2
    assert max(distance(other, ours) for other in found) < 1e-12
