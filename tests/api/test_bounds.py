"""Indices out of range in compiled code raise in the call, wherever they are and whatever they read."""

from __future__ import annotations

import pytest

import pushforward as pf
from pushforward._program import Backend

MODULE = pf.parse("""
def read(x: [3]i64, i: i64): i64 = x[i]
def hidden(x: [3]i64, i: i64): i64 = 0 * x[i]
def each[n](x: [3]i64, i: [n]i64): i64 = sum(for k < n => x[i[k]])
def fold[n](x: [3]i64, i: [n]i64): i64 = loop s = 0 for k < n do s + x[i[k]] * s
def branch(x: [3]i64, i: i64, go: bool): i64 = if go then x[i] + 1 else 0
def until(x: [3]i64, i: i64): i64 = (loop (s, k) = (0, i) while s < 10 limit 4 do (s + x[k], k + 1)).0
def write(x: [3]f64, i: i64): [3]f64 = x with [i] = 1.0
def flag(x: [3]bool, i: i64): bool = x[i]
""")
X = [1, 2, 3]


@pytest.mark.parametrize("backend", ["reference", "xla"])
@pytest.mark.parametrize(
    ("name", "good", "bad", "value"),
    [
        ("read", (X, 2), (X, 3), 3),
        ("hidden", (X, 2), (X, -1), 0),
        ("each", (X, [0, 2]), (X, [0, 3]), 4),
        ("fold", (X, [0, 2]), (X, [0, -4]), 0),
        ("branch", (X, 0, True), (X, 5, True), 2),
        ("until", (X, 0), (X, 1), 6),
        ("flag", ([True, False, True], 1), ([True, False, True], 3), False),
    ],
)
def test_reads(backend: Backend, name: str, good: tuple[object, ...], bad: tuple[object, ...], value: object) -> None:
    program = MODULE[name].compile(backend)
    if name != "until":
        assert program(*good) == value
    with pytest.raises(pf.DiagnosticError) as caught:
        program(*bad)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "E100" and diagnostic.span is not None


@pytest.mark.parametrize("backend", ["reference", "xla"])
def test_a_write_out_of_range_is_not_dropped(backend: Backend) -> None:
    program = MODULE.write.compile(backend)
    assert program([0.0, 0.0, 0.0], 1).tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(pf.DiagnosticError, match="E100"):
        program([0.0, 0.0, 0.0], 3)


@pytest.mark.parametrize("backend", ["reference", "xla"])
def test_an_arm_that_is_not_taken_does_not_count(backend: Backend) -> None:
    assert MODULE.branch.compile(backend)(X, 5, False) == 0


def test_a_while_loop_counts_in_its_carry() -> None:
    whole = pf.parse("""
    def until(x: [4]i64, i: i64): i64 = (loop (s, k) = (0, i) while s < 5 limit 9 do (s + x[k], k + 1)).0
    """)["until"].compile("xla")
    assert whole([1, 2, 3, 4], 0) == 6
    with pytest.raises(pf.DiagnosticError, match="E100"):
        whole([1, 1, 1, 1], 1)
