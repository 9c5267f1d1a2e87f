"""Ten wrong derivative rules and their corrected twins, as Python functions on NumPy values and as programs.

Each wrong one is refuted by the property it breaks, with a witness that nobody would write smaller; each twin passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward._probe import probe


@dataclass(frozen=True)
class Case:
    """A function, its rule in a wrong and a right form, where to look, and what must be found."""

    f: Callable[..., Any]
    at: tuple[Any, ...]
    wrong: dict[str, Any]
    right: dict[str, Any]
    breaks: str
    witness: dict[str, Any]
    words: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    twin: Callable[..., Any] | None = None


def dot(x: Any, y: Any) -> Any:
    return np.sum(x * y)


def scale(a: Any, x: Any) -> Any:
    return a * x


def quadratic(m: Any) -> Any:
    return np.sum(m @ m)


def quadratic_vjp_symmetric(m: Any, y_bar: Any) -> Any:
    ones = np.ones(m.shape)
    return y_bar * 2 * (m @ ones + ones @ m) / 2


def quadratic_vjp(m: Any, y_bar: Any) -> Any:
    ones = np.ones(m.shape)
    return y_bar * (ones @ m.T + m.T @ ones)


def rms(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def safe_rms_vjp(x: Any, y_bar: Any) -> Any:
    y = rms(x)
    return np.zeros(np.shape(x)) if y == 0 else y_bar * x / y


def rows(x: Any) -> Any:
    return np.exp(x) / np.sum(np.exp(x))


def rows_mixed(x: Any) -> Any:
    return np.exp(x) / np.sum(np.exp(x))


def rows_apart(x: Any) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)


def single(x: Any, y_bar: Any) -> Any:
    return np.float64(np.float32(np.cos(x))) * y_bar


CASES = {
    "sign error": Case(
        np.sin,
        (0.7,),
        {"vjp": lambda x, y_bar: -np.cos(x) * y_bar},
        {"vjp": lambda x, y_bar: np.cos(x) * y_bar},
        "curve",
        {"x": 0.0},
    ),
    "dropped term": Case(
        lambda x, y: x * y + np.sin(x),
        (0.4, 1.3),
        {"vjp": lambda x, y, y_bar: (y_bar * y, y_bar * x)},
        {"vjp": lambda x, y, y_bar: (y_bar * (y + np.cos(x)), y_bar * x)},
        "curve",
        {"x": 0.0, "y": 0.0},
    ),
    "broadcast not reduced": Case(
        scale,
        (2.0, np.array([1.0, 2.0, 4.0])),
        {"vjp": lambda a, x, y_bar: (x * y_bar, a * y_bar)},
        {"vjp": lambda a, x, y_bar: (np.sum(x * y_bar), a * y_bar)},
        "shapes",
        {"a": 0.0, "x": np.array([0.0])},
        "wrong shape",
    ),
    "right for symmetric input only": Case(
        quadratic,
        (np.array([[1.0, 2.0], [2.0, 5.0]]),),
        {"vjp": quadratic_vjp_symmetric},
        {"vjp": quadratic_vjp},
        "curve",
        {},
    ),
    "jvp not linear": Case(
        np.sin,
        (0.7,),
        {"jvp": lambda x, x_dot: np.cos(x) * x_dot + x_dot**2},
        {"jvp": lambda x, x_dot: np.cos(x) * x_dot},
        "tangents",
        {"x": 0.0},
        "not linear",
    ),
    "primal changed": Case(
        np.exp,
        (0.7,),
        {"value_and_vjp": lambda x, y_bar: (np.exp(x) * (1 + 1e-6), np.exp(x) * y_bar)},
        {"value_and_vjp": lambda x, y_bar: (np.exp(x), np.exp(x) * y_bar)},
        "primal",
        {"x": 0.0},
        "changes the value",
    ),
    "batch mixes examples": Case(
        rows,
        (np.array([0.3, 1.0, -0.4]),),
        {"batch": rows_mixed},
        {"batch": rows_apart},
        "batching",
        {},
        "not those of the lanes",
    ),
    "square root at zero": Case(
        rms,
        (np.array([0.5, -0.3]),),
        {"vjp": lambda x, y_bar: y_bar * x / rms(x)},
        {"vjp": safe_rms_vjp},
        "finite",
        {"x": np.array([0.0])},
        "finite",
    ),
    "operator not associative": Case(
        lambda a, b: (a + b) / 2,
        (1.0, 2.0),
        {},
        {},
        "associativity",
        {"a": 0.0, "b": 0.0, "c": 1.0},
        "not associative",
        {"properties": "associativity"},
        twin=lambda a, b: a + b - a * b,
    ),
    "hidden float32": Case(
        np.sin,
        (0.7,),
        {"vjp": single},
        {"vjp": lambda x, y_bar: np.cos(x) * y_bar},
        "precision",
        {},
        "float32",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_wrong_rules_are_found_with_a_minimal_witness(name: str) -> None:
    case = CASES[name]
    report = probe(case.f, *case.at, **case.wrong, **case.options)
    found = report[case.breaks]
    assert found.status == "refuted", report
    witness = found.witness
    assert witness is not None and case.words in witness.message and "properties=" in witness.reproducer
    arguments = dict(witness.arguments)
    for argument, value in case.witness.items():
        np.testing.assert_array_equal(arguments[argument], value)
    for value in arguments.values():
        assert np.all(np.abs(value) <= 3) and np.size(value) <= 4, report


@pytest.mark.parametrize("name", CASES)
def test_corrected_twins_pass(name: str) -> None:
    case = CASES[name]
    report = probe(case.twin or case.f, *case.at, **case.right, **case.options)
    assert report.ok, report
    assert report[case.breaks].status == "supported"


def test_symmetric_trap_says_that_the_example_passes() -> None:
    case = CASES["right for symmetric input only"]
    witness = probe(case.f, *case.at, **case.wrong)["curve"].witness
    assert witness is not None and any("symmetric" in note for note in witness.notes)
    (matrix,) = (value for _, value in witness.arguments)
    assert not np.array_equal(matrix, matrix.T)


# Text of the program with the fault, the fault and its correction, arguments, the property, the line at fault.
PROGRAMS = {
    "sign error": (
        "def g(x: f64, y_bar: f64): f64 = RULE\n"
        "def wave(x: f64): f64 with vjp g = sin(x)\n"
        "def f(x: f64, y: f64): f64 = exp(y) * wave(x)\n",
        "-(cos(x) * y_bar)",
        "cos(x) * y_bar",
        (0.7, 0.2),
        "curve",
        3,
    ),
    "dropped term": (
        "def g(x: f64, y: f64, y_bar: f64): (f64, f64) = (RULE, x * y_bar)\n"
        "def f(x: f64, y: f64): f64 with vjp g = x * y + sin(x)\n",
        "y * y_bar",
        "(y + cos(x)) * y_bar",
        (0.4, 1.3),
        "curve",
        None,
    ),
    "right for symmetric input only": (
        "def g(m: [2, 2]f64, y_bar: f64): [2, 2]f64 =\n"
        "  let t = RULE in\n"
        "  for i < 2, j < 2 => y_bar * sum(for k < 2 => t[j, k] + t[k, i])\n"
        "def f(m: [2, 2]f64): f64 with vjp g = sum(m @ m)\n",
        "transpose(m)",
        "m",
        ([[1.0, 2.0], [2.0, 5.0]],),
        "curve",
        None,
    ),
    "jvp not linear": (
        "def h(x: f64, x_dot: f64): f64 = RULE\n"
        "def wave(x: f64): f64 with jvp h = sin(x)\n"
        "def f(x: f64): f64 = 2.0 * wave(x)\n",
        "cos(x) * x_dot + x_dot * x_dot",
        "cos(x) * x_dot",
        (0.7,),
        "tangents",
        3,
    ),
    "square root at zero": (
        "def f[n](x: [n]f64): f64 = RULE\n",
        "let s = sum(x * x) in where(s > 0.0, sqrt(s), 0.0)",
        "let s = sum(x * x) in if s > 0.0 then sqrt(s) else 0.0",
        ([0.5, -0.3],),
        "finite",
        1,
    ),
    "operator not associative": (
        "def op(a: f64, b: f64): f64 = RULE\ndef f[n](x: [n + 1]f64): f64 = reduce(op, x)\n",
        "(a + b) / 2.0",
        "a + b - a * b",
        ([0.3, 1.2, -0.4],),
        "associativity",
        2,
    ),
    "hidden float32": (
        "def g(x: f64, y_bar: f64): f64 = RULE\ndef f(x: f64): f64 with vjp g = sin(x)\n",
        "f64(f32(cos(x))) * y_bar",
        "cos(x) * y_bar",
        (0.7,),
        "precision",
        None,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_wrong_programs_are_found(name: str) -> None:
    text, wrong, _, arguments, breaks, line = PROGRAMS[name]
    report = pf.parse(text.replace("RULE", wrong))["f"]
    found = probe(report, *arguments, samples=6)[breaks]
    assert found.status == "refuted" and found.witness is not None, found
    for _, value in found.witness.arguments:
        assert np.all(np.abs(value) <= 3) and np.size(value) <= 4, found
    assert found.witness.guilty is not None
    if line is not None:
        assert found.witness.span is not None and found.witness.span.line == line


@pytest.mark.parametrize("name", PROGRAMS)
def test_corrected_programs_pass(name: str) -> None:
    text, _, right, arguments, breaks, _ = PROGRAMS[name]
    report = probe(pf.parse(text.replace("RULE", right))["f"], *arguments, samples=6)
    assert report.ok, report
    assert report[breaks].status == "supported"
