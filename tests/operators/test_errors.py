"""Bad operators: every row of the error index has a text that gives its code, with a hint and a place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main
from pushforward.lang.differential.errors import OPERATORS
from pushforward.lang.errors_index import ErrorRow
from pushforward.lang.module import parse_module

TEXT = """\
operator kdv(u)(x, t) = u_t + u * u_x + 0.0025 * u_xxx
operator heat[n](u, k: f64)(x: [n]f64, t) = u_t - k * laplacian(u)^2
"""


@pytest.mark.parametrize("row", OPERATORS, ids=lambda row: row.code)
def test_example_gives_its_code(row: ErrorRow) -> None:
    (found,) = parse_module(row.example).diagnostics
    assert found.code == row.code and found.hint and found.span is not None


TEXTS = [
    ("u_z", "E215", "z"),
    ("u_x + k * u", "E030", "k"),
    ("v_t", "E030", "v_t"),
    ("partial(u, s)", "E215", "s"),
    ("u_xxxxxxxxxxxxt", "E216", "order 13"),
    ("partial(u*u*u*u*u*u*u, x, 12)", "E216", "20000"),
    ("u(x)", "E217", "2 variables"),
    ("u_v", "E219", "vector"),
    ("partial(u, x[0])", "E219", "scalar"),
    ("u(x, t, v) + u(x + 1.0, t, v)", "E220", "at the point"),
    ("grad(u_x) @ grad(laplacian(u))", "E220", "third derivative"),
    ("let u_x = 1.0 in u_t", "E220", "hides"),
    ("let x = 1.0 in u_t", "E220", "hides"),
    ("partial(let a = u in a, x)", "E220", "no rule"),
    ("div(u)", "E220", "gradient"),
    ("laplacian(abs(u), x, s)", "E215", "s"),
    ("foo(u)", "E030", "foo"),
    ("u_x @ u", "E033", ""),
]


@pytest.mark.parametrize(("text", "code", "words"), TEXTS)
def test_bad_texts(text: str, code: str, words: str) -> None:
    variables = "x t" if code == "E217" else "x t v[n]"
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.operator(text, variables=variables)
    found = caught.value.diagnostics[0]
    assert found.code == code and words in str(found) and found.hint and found.span is not None


BURGERS = pf.operator("u_t - nu*laplacian(u)", variables="x[n] t", parameters="nu")


def _plane(x: Any, t: Any) -> Any:
    return x[0] * t


WAVES = pf.operator("u_t + u * u_x", variables="x t")
FIELDS = pf.parse("""
def f[n](x: [n]f64, t: f64): f64 = sum(x) * t
def two(x: f64, t: f64): (f64, f64) = (x, t)
def whole(x: f64, t: f64): i64 = 3
def many(x: f64, t: f64): [2]f64 = [x, t]
def by_whole(x: i64, t: f64): f64 = t
""")
NO_TEXTS: list[dict[str, Any]] = [{"text": 3}, {"variables": ["t"]}, {"fields": None}, {"parameters": 1.0}]
NO_SIZES: list[Any] = [3, {"n": 2.5}, {"n": "3"}, {"n": True}, {"n": None}]
NO_LANES: list[dict[str, Any]] = [{"samples": "3"}, {"samples": 2.5}, {"samples": True}, {"law": "cauchy"}]
NO_NUMBERS: list[Any] = ["a", None, 1j, True, [1.0, [2.0]], np.array("a")]
NO_FIELDS: list[Any] = [3, None, "u", lambda x, t: (x, t), lambda x, t: 3, lambda x, t: np.ones(2) * x]

CALLS: list[tuple[Callable[[], object], str]] = [
    (lambda: BURGERS(_plane, mu=1.0), "E218"),
    (lambda: BURGERS(_plane), "E218"),
    (lambda: BURGERS(_plane, nu=[1.0, 2.0])(np.ones(1), 1.0), "E218"),
    (lambda: BURGERS(_plane, _plane, nu=1.0), "E217"),
    (lambda: BURGERS(_plane, nu=1.0)(2.0), "E217"),
    (lambda: BURGERS(pf.parse("def f(x: f64, t: f64): f64 = x * t")["f"], nu=1.0), "E217"),
    (lambda: BURGERS(pf.parse("def f(x: f64): f64 = x")["f"], nu=1.0), "E217"),
    (lambda: BURGERS.plan({"n": 3}, samples=4), "E221"),
    (lambda: BURGERS.plan(samples=0), "E221"),
    (lambda: pf.operator("u_t", variables="t").plan(samples=4), "E221"),
    (lambda: pf.recheck({"kind": "proof"}), "E222"),
    (lambda: pf.recheck(BURGERS.plan().certificate(), _plane), "E222"),
    (lambda: pf.Plan.from_json({"plan": {}}), "E222"),
    (lambda: BURGERS.plan({"m": 3}), "E224"),
    (lambda: BURGERS.plan({"n": 0}), "E224"),
    (lambda: pf.operator("u_t", variables="x, t"), "E225"),
    (lambda: pf.operator("u_t", variables=""), "E225"),
    (lambda: pf.operator("u_t", variables="t", fields="u[n]"), "E225"),
    (lambda: pf.parse(TEXT).operator("wave"), "E182"),
    *((lambda given=given: pf.operator(**{"text": "u_t", "variables": "t", **given}), "E246") for given in NO_TEXTS),
    (lambda: pf.operator("u_t\ndef g(x: f64): f64 = x", variables="t"), "E246"),
    (lambda: pf.operator("laplacian(u)", variables="x[0]"), "E225"),
    *((lambda sizes=sizes: BURGERS.plan(sizes), "E224") for sizes in NO_SIZES),
    *((lambda given=given: BURGERS.plan({"n": 5}, **given), "E221") for given in NO_LANES),
    *((lambda nu=nu: BURGERS(_plane, nu=nu)(np.ones(1), 1.0), "E218") for nu in NO_NUMBERS),
    *((lambda nu=nu: BURGERS(FIELDS["f"], nu=nu)(np.ones(1), 1.0), "E218") for nu in NO_NUMBERS),
    *((lambda u=u: WAVES(u)(1.0, 2.0), "E249") for u in NO_FIELDS),
    *((lambda name=name: WAVES(FIELDS[name]), "E249") for name in ("two", "whole", "many")),
    (lambda: WAVES(FIELDS["by_whole"]), "E217"),
    *((lambda x=x: WAVES(lambda x, t: x * t)(x, 2.0), "E217") for x in (1, "a", None, np.ones(2), np.arange(1)[0])),
]


@pytest.mark.parametrize(("call", "code"), CALLS, ids=[f"{k}-{code}" for k, (_, code) in enumerate(CALLS)])
def test_bad_calls(call: Callable[[], object], code: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        call()
    found = caught.value.diagnostics[0]
    assert found.code == code and found.hint


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pf"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_plan_is_printed_and_its_certificate_checked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = file.with_suffix(".json")
    assert main(["plan", str(file), "kdv", "--certificate", str(proof)]) == 0
    assert "staircase: 5 vectors, 12 products" in capsys.readouterr().out
    assert main(["verify", str(proof), str(file)]) == 0
    assert capsys.readouterr().out.startswith("accepted: ")
    file.write_text(TEXT.replace("0.0025", "0.0026"), encoding="utf-8")
    assert main(["verify", str(proof), str(file)]) == 1
    assert "another operator" in capsys.readouterr().err
    certificate = json.loads(proof.read_text(encoding="utf-8"))
    certificate["plan"]["readings"][0]["entries"][0][0][2] = "5"
    proof.write_text(json.dumps(certificate), encoding="utf-8")
    assert main(["verify", str(proof)]) == 1
    assert "E223" in capsys.readouterr().err


def test_a_plan_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(file), "heat", "n=50", "--samples", "8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["vectors"] == "11" and result["biased"] == [["u||laplacian:x:1", "u||laplacian:x:1"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan", "FILE"], "E183"),
        (["plan", "FILE", "wave"], "E182"),
        (["plan", "FILE", "heat", "m=3"], "E224"),
        (["plan", "FILE", "kdv", "--samples", "3"], "E221"),
        (["plan", "FILE", "kdv", "--certificate", "/nowhere/at/all.json"], "E180"),
        (["plan", "FILE", "heat", "n=2.5"], "E164"),
        (["plan", "FILE", "heat", "n=0"], "E224"),
        (["plan", "FILE", "heat", "n"], "E173"),
        (["plan", "nowhere.pf", "heat"], "E018"),
        (["verify", "nowhere.json"], "E018"),
        (["verify", "PROOF", "nowhere.pf"], "E018"),
        (["verify", "PROOF", "BARE"], "E182"),
        (["plan", "BARE"], "E183"),
        (["verify", "FILE"], "E222"),
        (["verify", "LIST"], "E222"),
        (["verify", "EMPTY", "FILE"], "E222"),
    ],
)
def test_bad_commands(file: Path, words: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    proof = json.dumps(pf.parse(TEXT).operator("kdv").plan().certificate())
    for name, text in (("LIST", "[]"), ("EMPTY", "{}"), ("PROOF", proof), ("BARE", "")):
        file.with_name(name).write_text(text, encoding="utf-8")
    places = {"FILE": str(file), **{name: str(file.with_name(name)) for name in ("LIST", "EMPTY", "PROOF", "BARE")}}
    assert main([places.get(word, word) for word in words]) == 2
    assert f"error[{code}]" in capsys.readouterr().err
