"""`pf.jet`, the word `jet` and `pf jet`: series in, series out, and what does not fit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main

TEXT = """
def f(x: f64): f64 = exp(sin(x))
def g(x: f64, y: f64): f64 = x^2 * y
def mixed[n](p: {a: f64, n: i64}, v: [n]f64): ([n]f64, i64) = (p.a * v * v, p.n)
def whole(k: i64): i64 = k
data Shape = Ball(f64) | Box(f64, f64)
def area(s: Shape, t: f64): f64 = match s { Ball(r) => t * r^2; Box(a, b) => sin(a * t) * b }

test "words" {
  check jet(f, 0.0, (1.0, 0.0, 0.0)) ~= (1.0, (1.0, 0.5, 0.0))
  check jet(f, 0.0, 1.0) ~= (1.0, 1.0)
  check jet(g, (3.0, 2.0), ((1.0, 0.0), (0.0, 1.0))) ~= (18.0, (12.0, 11.0))
  check let s = ((1.0, 0.0), (0.0, 1.0)) in jet(g, (3.0, 2.0), s) ~= (18.0, (12.0, 11.0))
  check jet(fn (t: f64) => area(Box(1.0, 2.0), t), 0.0, (1.0, 0.0, 0.0)) ~= (0.0, (2.0, 0.0, -1.0 / 3.0))
}

test "in loops, under other words, with numbers from outside" {
  check (sum(for i < 3 => let (y, (y1, y2)) = jet(fn (t: f64) => f64(i) * t^3, 1.0, (1.0, 0.0)) in y1 + y2)) ~= 18.0
  check (loop c = 0.5 for i < 3 do let (y, (a, b)) = jet(f, c, (1.0, 0.0)) in b) ~= 0.2902860080184014
  check grad(fn (x: f64) => let (y, (a, b)) = jet(f, x, (1.0, 0.0)) in 2.0 * b)(0.0) ~= 0.0
  check grad(fn (w: f64) => let (y, (a, b)) = jet(fn (t: f64) => sin(w * t), 0.3, (1.0, 0.0)) in a)(1.0)
    ~= cos(0.3) - 0.3 * sin(0.3)
  check let (y, (a, b)) = jet(fn (t: f64) => f'(t), 0.0, (1.0, 0.0)) in b ~= 0.0
}
"""
MODULE = pf.parse(TEXT)


def test_words_of_the_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "jet.pf"
    path.write_text(TEXT)
    code = main(["test", str(path)])
    captured = capsys.readouterr()
    assert code == 0, captured.err


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("jet(f, 0.0)", "E034"), ("jet(f, 0.0, (1.0, true))", "E030|E04|E03"), ("jet(whole, 1, (1, 1))", "E052"),
        ("jet(3.0, 0.0, (1.0, 1.0))", "E052"),
    ],
)  # fmt: skip
def test_words_that_do_not_fit(claim: str, code: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.parse(TEXT.split("test")[0] + f"def wrong(): f64 = let y = {claim} in 0.0\n")
    assert any(caught.value.diagnostics[0].code.startswith(start) for start in code.split("|"))


def test_series_and_derivatives() -> None:
    assert pf.jet(MODULE["f"], (0.0,), ((1.0, 0.0, 0.0, 0.0),)) == (1.0, (1.0, 0.5, 0.0, -0.125))
    assert pf.jet(MODULE["f"], (0.0,), ((1.0, 0.0, 0.0, 0.0),), scaling="derivative") == (1.0, (1.0, 1.0, 0.0, -3.0))
    with_twos = pf.jet(MODULE["f"], (0.3,), ((1.0, 2.0, 3.0),), scaling="derivative")
    halves = pf.jet(MODULE["f"], (0.3,), ((1.0, 1.0, 0.5),))
    np.testing.assert_allclose(with_twos[1], [c * math.factorial(k) for k, c in enumerate(halves[1], 1)], rtol=1e-14)


def test_absent_coefficients_are_zeros() -> None:
    zeros = pf.jet(MODULE["g"], (3.0, 2.0), ((1.0, 0.0, 0.0), (0.0, 0.5, 0.0)))
    assert pf.jet(MODULE["g"], (3.0, 2.0), ((1.0, None, None), (None, 0.5, None))) == zeros
    assert pf.jet(MODULE["g"], (3.0, 2.0), ((1.0, None), None)) == (18.0, (12.0, 2.0))


def test_structures_keep_their_shape() -> None:
    value, series = pf.jet(
        MODULE["mixed"],
        ({"a": 2.0, "n": 7}, np.array([1.0, 3.0])),
        (({"a": 1.0, "n": ()}, None), (np.array([1.0, 0.0]), None)),
    )
    np.testing.assert_allclose(value[0], [2.0, 18.0])
    assert value[1] == 7
    np.testing.assert_allclose(series[0][0], [5.0, 9.0])
    np.testing.assert_allclose(series[1][0], [4.0, 0.0])
    assert series[0][1] == ()


def test_functions_of_jax() -> None:
    def net(x: Any, w: Any) -> dict[str, jax.Array]:
        return {"y": jax.nn.relu(jnp.tanh(x @ w))}

    x, w = np.linspace(-1, 1, 3), np.linspace(0, 1, 6).reshape(3, 2)
    with jax.enable_x64(True):
        value, series = pf.jet(net, (x, w), ((np.ones(3), None, None), None))
        one = jax.jvp(lambda t: net(x + t, w)["y"], (0.0,), (1.0,))[1]
        two = jax.jvp(lambda t: jax.jvp(lambda s: net(x + s, w)["y"], (t,), (1.0,))[1], (0.0,), (1.0,))[1]
    np.testing.assert_allclose(value["y"], net(jnp.asarray(x), jnp.asarray(w))["y"], rtol=1e-6)
    np.testing.assert_allclose(series[0]["y"], one, rtol=1e-12)
    np.testing.assert_allclose(series[1]["y"], np.asarray(two) / 2, rtol=1e-12)


BAD: list[tuple[Callable[[], object], str, str]] = [
    (lambda: pf.jet(MODULE["g"], (3.0, 2.0), ((1.0,),)), "E210", "1 series for 2"),
    (lambda: pf.jet(MODULE["g"], (3.0, 2.0), ((1.0,), (1.0, 2.0))), "E210", "input 1 has order 2"),
    (lambda: pf.jet(MODULE["g"], (3.0, 2.0), (None, None)), "E210", "no input has a series"),
    (lambda: pf.jet(MODULE["f"], (3.0, 2.0), ((1.0,), None)), "E210", "2 series for 1"),
    (lambda: pf.jet(lambda x, y: x * y, (1.0, 2.0), ((1.0, 0.0), (1.0,))), "E210", "order"),
    (lambda: pf.jet(lambda x: x * x, (1.0,), ((np.ones(2),),)), "E211", "coefficient 1 of input 0 has shape (2,)"),
    (lambda: pf.jet(lambda x: x, (np.ones(2),), ((np.ones(2, np.float32),),)), "E211", "float32 where"),
    (lambda: pf.jet(lambda x: x["a"], ({"a": 1.0},), (({"b": 1.0},),)), "E211", "no record of a"),
    (lambda: pf.jet(lambda x: x[0], ((1.0, 2.0),), (((1.0,),),)), "E211", "no tuple of 2"),
    (lambda: pf.jet(MODULE["f"], (np.array(2),), ((np.ones(()),),)), "E211", "integer"),
    (lambda: pf.jet(lambda x: x * x, (1.0,), ((1.0,),), scaling="factorial"), "E212", "factorial"),  # type: ignore[arg-type]
    (lambda: pf.jet(MODULE["whole"], (1,), ((1.0,),)), "E213", "k: i64"),
    (lambda: pf.jet(3, (1.0,), ((1.0,),)), "E186", "neither"),  # type: ignore[arg-type]
]

NOWHERE: Any = None
SQUARES: list[Any] = [MODULE["f"], lambda x: x * x]
"""A program, and a function of JAX: what is wrong with a series is found for both."""

ODD: list[tuple[Any, Any, str, str]] = [
    (1.0, ((1.0,),), "E246", "`primals` is no tuple"),
    (NOWHERE, ((1.0,),), "E246", "`primals` is no tuple"),
    ((1.0,), 1.0, "E246", "`series` is no tuple"),
    ((1.0,), (1.0,), "E246", "series 0 is no tuple"),
    ((1.0,), ("ab",), "E246", "series 0 is no tuple"),
    ((1.0,), ({0: 1.0},), "E246", "series 0 is no tuple"),
    ((1.0,), ((c for c in [1.0]),), "E246", "series 0 is no tuple"),
    ((1.0,), ((),), "E210", "order 0"),
    ((1.0,), ((1.0,) * 65,), "E247", "order 65"),
    ((1.0,), ((1.0, math.inf),), "E248", "coefficient 2 of input 0"),
    ((np.ones(()),), ((np.array(np.nan),),), "E248", "coefficient 1 of input 0"),
    ((1.0,), ((1j,),), "E211", "no number"),
    ((1.0,), (("a",),), "E211", "no number"),
    ((1.0,), ((True,),), "E211", "no number"),
    ((1.0,), (({"a": 1.0},),), "E211", "no number"),
    ((1.0,), ((np.array(["a"])[0],),), "E211", "<U1"),
    ((1.0,), (([1.0, [2.0]],),), "E211", "no number"),
    ((1.0,), (((1.0,),),), "E211", "shape (1,)"),
    ((np.ones(()),), ((np.ones((), int),),), "E211", "int64 where"),
]


@pytest.mark.parametrize("f", SQUARES, ids=["program", "function"])
@pytest.mark.parametrize(("primals", "series", "code", "words"), ODD)
def test_what_is_no_series_is_named(f: Any, primals: Any, series: Any, code: str, words: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.jet(f, primals, series)
    found = caught.value.diagnostics[0]
    assert found.code == code and words in found.message and found.hint


STRUCTURED: list[tuple[Any, Any, str, str]] = [
    ([1.0, 2.0], [1.0], "E211", "no list of 2"),
    ([1.0, 2.0], [1.0, np.ones(2)], "E211", "[1] has shape (2,)"),
    ({"a": 1.0, "k": 2}, {"a": 1.0, "k": 1.0}, "E211", ".k belongs to what does not move"),
    (None, 1.0, "E213", "NoneType"),
    ("text", 1.0, "E213", "str"),
    (1j, 1.0, "E213", "complex"),
    (2, 1.0, "E213", "int"),
    (np.arange(2), np.ones(2), "E213", "int64"),
]


@pytest.mark.parametrize(("x", "c", "code", "words"), STRUCTURED)
def test_series_of_structures_of_jax(x: Any, c: Any, code: str, words: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.jet(lambda x: x, (x,), ((c,),))
    assert caught.value.diagnostics[0].code == code
    assert words in caught.value.diagnostics[0].message


class Counted(NamedTuple):
    """A value, beside what does not move."""

    x: Any
    steps: Any
    nothing: Any


class Nothing(NamedTuple):
    """A state without contents."""


def test_series_of_a_traced_program_over_objects() -> None:
    program = pf.trace(lambda s: s.x * s.x * s.steps, Counted(3.0, 2, Nothing()))
    found = pf.jet(program, (Counted(3.0, 2, Nothing()),), ((Counted(1.0, None, None), None),))
    assert found == (18.0, (12.0, 2.0))


def test_series_inside_of_jit_and_as_arrays() -> None:
    def second(x: Any, v: Any) -> Any:
        return pf.jet(lambda x: jnp.sum(x**3), (x,), ((v, None),))[1][1]

    x, v = jnp.arange(3.0), jnp.ones(3)
    np.testing.assert_allclose(jax.jit(second)(x, v), second(x, v), rtol=1e-6)
    rows: Any = np.array([[1.0, 0.0], [0.5, 0.0]])
    cubes = pf.parse("def f(x: [2]f64): f64 = sum(x^3)")["f"]
    assert pf.jet(cubes, (np.ones(2),), (rows,)) == pf.jet(cubes, (np.ones(2),), (tuple(rows),))


def test_a_word_of_too_high_an_order_is_refused() -> None:
    zeros = ", ".join(["0.0"] * 64)
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.parse(f"def f(x: f64): f64 = let (y, s) = jet(fn (t: f64) => t, x, (1.0, {zeros})) in y\n")
    found = caught.value.diagnostics[0]
    assert found.code == "E247" and found.span is not None


@pytest.mark.parametrize(("call", "code", "words"), BAD)
def test_what_does_not_fit_is_named(call: Callable[[], object], code: str, words: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        call()
    assert caught.value.diagnostics[0].code == code
    assert words in caught.value.diagnostics[0].message


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.pf"
    path.write_text("def f(x: f64): f64 = exp(sin(x))\ndef g[n](x: [n]f64, k: i64): f64 = sum(x)^2\n")
    assert main(["jet", str(path), "f", "x=0", "--order", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "order 0: 1.0", "order 1: 1.0", "order 2: 0.5", "order 3: 0.0", "order 4: -0.125"
    ]  # fmt: skip
    assert main(["jet", str(path), "g", "x=[1,2]", "k=3", "--direction", "x=[1,0]", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["result"]
    assert (document["value"], document["series"]) == (9.0, [6.0, 1.0])
    for wrong, code in (("z=1", "E213"), ("k=1", "E213"), ("x=[1,2,3]", "E165")):
        assert main(["jet", str(path), "g", "x=[1,2]", "k=3", "--direction", wrong]) == 2
        assert code in capsys.readouterr().err
    for order in ("0", "-1", "two", "65", "100000"):
        assert main(["jet", str(path), "f", "x=0", "--order", order]) == 2
    assert "E247" in capsys.readouterr().err
    assert main(["jet", str(path), "f", "x=0", "--direction", "x=1e999"]) == 2
    assert "E248" in capsys.readouterr().err
    for words in (["h", "x=0"], ["f", "z=0"], ["f"], ["f", "x=a"], ["f", "x=0", "--direction", "x"], ["x=0"]):
        assert main(["jet", str(path), *words]) == 2
    path.write_text("")
    assert main(["jet", str(path), "x=0"]) == 2
    assert "E183" in capsys.readouterr().err
