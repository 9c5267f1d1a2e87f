"""High derivatives of a network: contenders agree with many digits, and rows follow from what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks import taylor_worker
from benchmarks.areas import taylor_speed as taylor
from benchmarks.harness import Context
from benchmarks.peers.taylor import JET, NESTED

CONTEXT = Context(Path("."))
LOW, JETS = taylor.GROUPS[0], taylor.GROUPS[3]


@pytest.mark.parametrize("order", [1, 4])
def test_contenders_agree_with_differences_in_many_digits(order: int) -> None:
    with jax.enable_x64(True):
        parameters, x = taylor_worker.arguments(1)
        wanted = taylor_worker.exact(order, parameters, x[:2])
        for name, make in taylor_worker.chosen([*NESTED, *JET], "value").items():
            found = np.asarray(make(order)(parameters, x[:2]))
            np.testing.assert_allclose(found, wanted, rtol=1e-11, err_msg=name)


def found(ours: float, far: float = 0.0) -> dict[str, Any]:
    """What a process found whose rounds all took the same time."""
    times = {"ours": [ours] * 15, "nested jvp": [2.0] * 15, "jet": [3.0] * 15, "jet, normalised": [4.0] * 15}
    facts = {name: {"trace": 1.0, "compile": 9.0 * own[0], "products": 5} for name, own in times.items()}
    return {"times": times, "facts": facts, "distance": {"ours": far, "jet": 0.0}}


def test_a_group_is_its_worst_order_against_the_fastest_peer() -> None:
    row = taylor.group_row(LOW, {("value", 1): found(1.0), ("value", 2): found(2.5), ("value", 3): found(1.6)}, CONTEXT)
    assert (row.value, row.ok, row.peer_name, row.samples) == (0.8, False, "nested jvp", 15)
    assert "1: 2.00 (nested jvp), 2: 0.80 (nested jvp)" in row.note


def test_a_group_may_count_some_peers_only() -> None:
    row = taylor.group_row(JETS, {("value", 2): found(2.0)}, CONTEXT)
    assert (row.value, row.ok, row.peer_name) == (1.5, True, "jet")


@pytest.mark.parametrize("broken", [found(1.0, far=1e-7), "it broke"])
def test_what_is_wrong_fails_the_group(broken: Any) -> None:
    row = taylor.group_row(LOW, {("value", 1): found(1.0), ("value", 2): broken}, CONTEXT)
    assert row.ok is False and row.note.startswith("order 2: ") and row.value is None


def test_seconds_to_trace_and_compile() -> None:
    nest, jet, products = taylor.facts_rows(found(0.1), 10)
    assert (nest.kind, nest.value, nest.ok) == ("gate", 1.9 / 19.0, True)
    assert (jet.value, jet.peer_name, products.value) == (1.9 / 28.0, "jet", 5)
    assert all(row.ok is False for row in taylor.facts_rows("it broke", 10))
