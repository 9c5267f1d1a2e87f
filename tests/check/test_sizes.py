"""Sizes: what is proved, what is refuted, what becomes a condition, and what is noted as unproved."""

from __future__ import annotations

import pytest

from pushforward.lang.check.prove import decide, decide_zero
from pushforward.lang.sizes import Size, add, mul, sub, variable

from .helpers import check, codes, scheme

N, M = variable("n"), variable("m")


@pytest.mark.parametrize(
    ("size", "verdict"),
    [
        (0, "holds"),
        (-1, "fails"),
        (add(N, M), "holds"),
        (sub(N, 1), "open"),
        (sub(N, M), "open"),
        (sub(-1, N), "fails"),
        (add(mul(sub(N, 1), sub(N, 1)), 0), "holds"),  # a square
        (sub(mul(N, M), 1), "open"),
        (sub(-1, mul(N, M)), "fails"),
        (sub(sub(mul(2, N), mul(N, N)), 2), "fails"),  # -(n - 1)^2 - 1
    ],
)
def test_signs_of_sizes(size: Size, verdict: str) -> None:
    assert decide(size)[0] == verdict


@pytest.mark.parametrize(
    ("size", "verdict"),
    [
        (0, "holds"),
        (3, "fails"),
        (sub(mul(2, N), 3), "fails"),  # parity
        (sub(N, 6), "open"),
        (add(N, 1), "fails"),
        (sub(mul(N, N), 2), "fails"),  # no integer square is 2
        (sub(mul(N, N), 9), "open"),
    ],
)
def test_zeros_of_sizes(size: Size, verdict: str) -> None:
    assert decide_zero(size)[0] == verdict


def test_a_refutation_has_a_counter_model() -> None:
    verdict, model = decide(sub(sub(mul(2, N), mul(N, N)), 2))
    assert verdict == "fails" and set(model) == {"n"}


def test_facts_decide() -> None:
    assert decide(sub(N, 1), (sub(N, 3),))[0] == "holds"


@pytest.mark.parametrize(
    ("body", "unproved"),
    [
        ("sum(for i < n => x[i])", []),
        ("sum(for i < n => x[n - 1 - i])", []),
        ("sum(for i < n => x[0])", []),
        ("sum(for i < n => x[i + 1])", ["i + 1"]),
        ("sum(for i < n => if i > 0 then x[i - 1] else 0.0)", []),
        ("sum(for i < n => if i == 0 then 0.0 else x[i - 1])", ["i - 1"]),
        ("sum(for i < n => if i + 1 < n and true then x[i + 1] else 0.0)", []),
        ("sum(for i < n => if not (i < 1) then x[i - 1] else 0.0)", []),
        ("if n > 2 then x[2] else 0.0", []),
        ("x[0]", ["0"]),
        ("sum(for i < n => let k = n - i in x[k - 1])", []),
        ("sum(for i < n => x[i64(1.5)])", ["i64(1.5)"]),
        ("sum(for i < n => x[i * i])", ["i * i"]),
    ],
)
def test_indices_proved_in_range(body: str, unproved: list[str]) -> None:
    module = check(f"def f[n](x: [n]f64): f64 = {body}\n")
    assert not module.diagnostics
    assert [span.text for span in module.definitions["f"].typing.unproved] == unproved


def test_index_into_a_flat_matrix() -> None:
    text = "def f[n, m](x: [n * m]f64): [n, m]f64 = for i < n, j < m => x[i * m + j]\n"
    assert check(text).definitions["f"].typing.unproved == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f[n](x: [n]f64) = max(x)", "(x: [n]f64) -> f64 | n >= 1"),
        ("def f[n](x: [n + 1]f64) = max(x)", "(x: [n + 1]f64) -> f64"),
        ("def f[n](x: [n]f64) = x[2:]", "(x: [n]f64) -> [n - 2]f64 | n >= 2"),
        ("def f[n](x: [n + 5]f64) = x[2:]", "(x: [n + 5]f64) -> [n + 3]f64"),
        ("def f[n](x: [n]f64) = if n > 0 then max(x) else 0.0", "(x: [n]f64) -> f64"),
        ("def f[n](x: [n]f64) = reshape(x, 2, 3)", "(x: [n]f64) -> [2, 3]f64 | n >= 6 | -n >= -6"),
        ("def f[n, m](x: [n, m]f64) = reshape(x, m * n)", "(x: [n, m]f64) -> [m * n]f64"),
        ("def f[n, m](x: [n, m]f64) = flatten(x)", "(x: [n, m]f64) -> [m * n]f64"),
        ("def g[n](x: [n]f64) = max(x)\ndef f[k](y: [k]f64) = g(y[1:])", "(y: [k]f64) -> f64 | k >= 2"),
        ("def g[n](x: [n]f64) = max(x)\ndef f() = g([1.0])", "() -> f64"),
        ("def f[n](x: [n - 1]f64) = for i < n - 1 => x[i]", "(x: [n - 1]f64) -> [n - 1]f64"),
    ],
)
def test_conditions_on_signatures(text: str, expected: str) -> None:
    assert scheme(text + "\n") == expected


def test_linear_equations_are_solved() -> None:
    tail = "def tail[n](x: [n + 1]f64): [n]f64 = x[1:]\n"
    assert scheme(tail + "def f(x: [4]f64) = tail(x)\n") == "(x: [4]f64) -> [3]f64"
    assert scheme(tail + "def f[m](x: [m]f64) = tail(x)\n") == "(x: [m]f64) -> [m - 1]f64 | m >= 1"
    half = "def half[n](x: [2 * n]f64): [n]f64 = x[:n]\n"
    assert scheme(half + "def f(x: [6]f64) = half(x)\n") == "(x: [6]f64) -> [3]f64"
    assert codes(half + "def f(x: [5]f64) = half(x)\n") == ["E033"]


def test_condition_of_a_callee_refuted_at_a_call() -> None:
    text = "def largest[n](x: [n]f64): f64 = max(x)\ndef f(): f64 = largest(for i < 0 => 1.0)\n"
    assert codes(text) == ["E041"]


def test_sizes_stay_small() -> None:
    power = " * ".join(["(a + b + c + d + e)"] * 12)
    assert codes(f"def f[a, b, c, d, e](x: [{power}]f64): f64 = 1.0\n") == ["E063"]
    assert codes("def f(): f64 = sum(for i < 4000000000 * 4000000000 => 1.0)\n") == ["E063"]


def test_sizes_stay_small_through_calls() -> None:
    square = "def square[n](x: [n]f64): [n * n]f64 = for i < n * n => 1.0\n"
    for start in ("[n]", "[3]"):
        steps = "".join(f"let x{k + 1} = square(x{k}) " for k in range(40))
        assert set(codes(f"{square}def f[n](x0: {start}f64): f64 = {steps} in 1.0\n")) == {"E063"}


def test_products_of_sizes_wait_for_their_factors() -> None:
    text = (
        "def split[n, m](x: [n * m]f64, y: [n]f64): [n, m]f64 = reshape(x, n, m)\n"
        "def f(x: [6]f64, y: [2]f64): [2, 3]f64 = split(x, y)\n"
    )
    assert scheme(text) == "(x: [6]f64, y: [2]f64) -> [2, 3]f64"
    assert codes(text.replace("[6]", "[7]")) == ["E033"]
