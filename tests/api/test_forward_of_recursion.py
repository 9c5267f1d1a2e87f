"""Forward mode of programs that only their arguments end: they have no first-order form and run in the reference."""

from __future__ import annotations

import pytest

import pushforward as pf

TEXT = """
def doubled(x: f64): f64 = if x > 10.0 then x * x else doubled(x * 2.0)

data List = Nil | Cons(f64, List)

def total(l: List): f64 = match l { Nil => 0.0; Cons(h, t) => h * h + total(t) }

def build(n: i64, x: f64): List = if n == 0 then Nil else Cons(x * f64(n), build(n - 1, x))

def sum_of_squares(n: i64, x: f64): f64 = total(build(n, x))

def repeat(n: i64, f: f64 -> f64, x: f64): f64 = if n == 0 then x else repeat(n - 1, f, f(x))

def powers(n: i64, x: f64): f64 = repeat(n, fn (y: f64) => y * x, x)
"""


@pytest.fixture(scope="module")
def module() -> pf.Module:
    return pf.parse(TEXT)


def test_recursion_ended_by_a_float(module: pf.Module) -> None:
    # doubled twice from 3: (4 x)^2
    assert pf.jvp(module["doubled"], (3.0,), (1.0,)) == (144.0, 96.0)


def test_variants_keep_their_tags(module: pf.Module) -> None:
    # (1 + 4 + 9 + 16) x^2
    assert pf.jvp(module["sum_of_squares"], (4, 2.0), ((), 1.0)) == (120.0, 120.0)


def test_functions_are_pushed_forward(module: pf.Module) -> None:
    # x^(n + 1): a closure that captures x is applied n times
    assert pf.jvp(module["powers"], (3, 2.0), ((), 1.0)) == (16.0, 32.0)


def test_reverse_mode_says_what_it_needs(module: pf.Module) -> None:
    with pytest.raises(pf.DiagnosticError, match="E120"):
        pf.grad(module["doubled"])
