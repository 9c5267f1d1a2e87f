"""The verbs on small programs: what they print, where, and how they exit."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pushforward.cli import main

PROGRAM = """\
def slope(x: f64, k: i64): f64 = log(x) * f64(k)
def dot[n](x: [n]f64, y: [n]f64): f64 = x @ y
def step(s: {x: f64, on: bool}, rates: [3]f64): ({x: f64, on: bool}, [3]f64) =
  ({x = 2.0 * s.x, on = not s.on}, rates)
def zeros(n: size): [n]f64 = for i < n => 0.0
def pick[n](x: [n]f64, i: i64): f64 = x[i]
data Shape = Ball(f64) | Nothing
def ball(r: f64): Shape = if r > 0.0 then Ball(r) else Nothing
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "small.pf"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def pf(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [
        (["slope", "x=1", "k=3"], "0.0\n", ""),
        (["dot", "x=[1, 2]", "y=[3, 4.5]"], "12.0\n", "sizes: n = 2\n"),
        (["step", "s={x = 1, on = true}", "rates=[1,2,3]"], "({x = 2.0, on = false}, [1.0, 2.0, 3.0])\n", ""),
        (["zeros", "n=2"], "[0.0, 0.0]\n", ""),
        (["ball", "r=1.5"], "#0(1.5)\n", ""),
    ],
)
def test_run(capsys: pytest.CaptureFixture[str], program: Path, words: list[str], out: str, err: str) -> None:
    assert pf(capsys, "run", program, *words) == (0, out, err)


@pytest.mark.parametrize("backend", ["reference", "xla"])
def test_run_on_a_named_back_end(capsys: pytest.CaptureFixture[str], program: Path, backend: str) -> None:
    code, out, _ = pf(capsys, "run", program, "dot", "x=[1, 2]", "y=[3, 4]", "--backend", backend, "--json")
    document = json.loads(out)
    assert code == 0 and document["result"] == {"entry": "dot", "sizes": {"n": 2}, "backend": backend, "value": 11.0}


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["slope", "x=0", "k=3"], 1, ["E150", "`result` is -inf", "`log` of 0", "small.pf:1:34", "^^^^^^"]),
        (["pick", "x=[1,2]", "i=2"], 1, ["E100", "small.pf:6:"]),
        (["pick", "x=[1,2]", "i=-1", "--backend", "xla"], 1, ["E100", "small.pf:6:"]),
        (["slope", "x=inf", "k=1"], 1, ["E151", "`x` is inf"]),
        (["slope", "x=1"], 2, ["E161", "`k`", "x: f64, k: i64"]),
        (["slope", "x=1", "q=2"], 2, ["E162", "`q`"]),
        (["slope", "x=1", "k=2.5"], 2, ["E164", "2.5"]),
        (["dot", "x=[1,2]", "y=[1]"], 2, ["E165", "n = 2 from `x`"]),
        (["solpe", "x=1"], 2, ["E182", "did you mean `slope`"]),
        (["x=1"], 2, ["E183", "slope, dot, step"]),
        (["pick", "x=[1,2]", "i=-1", "--backend", "llvm"], 1, ["E100", "small.pf:6:"]),
    ],
)
def test_run_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], program: Path, words: list[str], code: int, parts: list[str]
) -> None:
    found, out, err = pf(capsys, "run", program, *words)
    assert (found, out) == (code, "") and [part for part in parts if part not in err] == [], err


def test_data_comes_from_files_and_standard_input(
    capsys: pytest.CaptureFixture[str], program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([1.0, 2.0]))
    stdin = io.TextIOWrapper(io.BytesIO(b"[3, 4]"))
    monkeypatch.setattr(sys, "stdin", stdin)
    words = ["x=@d.npz:x", "y=@-", "--data", tmp_path]
    assert pf(capsys, "run", program, "dot", *words)[:2] == (0, "11.0\n")


def test_grad(capsys: pytest.CaptureFixture[str], program: Path) -> None:
    code, out, _ = pf(capsys, "grad", program, "dot", "x=[1,2]", "y=[3,4]")
    assert (code, out) == (0, "value = 11.0\nd/dx = [3.0, 4.0]\nd/dy = [1.0, 2.0]\n")
    code, out, _ = pf(capsys, "grad", program, "slope", "x=2", "k=3", "--json")
    assert json.loads(out)["result"]["gradient"] == {"x": 1.5}
    code, out, err = pf(capsys, "grad", program, "slope", "--wrt", "k", "x=2", "k=3")
    assert (code, out) == (2, "") and "E184" in err and "`k: i64` has no derivative" in err
    code, out, err = pf(capsys, "grad", program, "zeros", "n=2")
    assert (code, out) == (2, "") and "E184" in err
    code, out, err = pf(capsys, "grad", program, "slope", "--wrt", "x", "x=0", "k=1")
    assert code == 1 and "E150" in err


def test_show_prints_every_stage(capsys: pytest.CaptureFixture[str], program: Path) -> None:
    assert pf(capsys, "show", program, "dot", "--stage", "surface")[1] == (
        "def dot[n](x: [n]f64, y: [n]f64): f64 = x @ y\n"
    )
    for stage in ("full", "first", "forward", "reverse", "vector"):
        code, out, err = pf(capsys, "show", program, "dot", "--stage", stage)
        assert (code, err) == (0, "") and out.startswith("program dot[n](") and "einsum" in out
    readable = pf(capsys, "show", program, "dot", "--stage", "readable")[1]
    assert readable.startswith("def dot(x: [n]f64, y: [n]f64): f64 =")
    assert "f64[4]" in pf(capsys, "show", program, "dot", "n=4", "--stage", "jaxpr")[1]
    assert "E166" in pf(capsys, "show", program, "dot", "--stage", "jaxpr")[2]
    assert "einsum" in pf(capsys, "show", program, "dot", "--stage", "loops", "--pass", "expand")[1]
    assert "define" in pf(capsys, "show", program, "dot", "n=4", "--stage", "llvm")[1]
    assert "kernel" in pf(capsys, "show", program, "dot", "n=4", "--stage", "asm")[1]
    assert pf(capsys, "show", program, "dot", "--pass", "simplify")[0] == 0
    for wrong in (["--stage", "wasm"], ["--pass", "frobnicate"]):
        code, out, err = pf(capsys, "show", program, "dot", *wrong)
        assert (code, out) == (2, "") and "E188" in err


def test_check_reports_every_error_and_counts_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.pf"
    path.write_text("def f(x: f64): f64 = y\ndef g(x: f64): f64 = z\n")
    code, out, err = pf(capsys, "check", path)
    assert (code, out) == (1, "") and err.count("error[E030]") == 2 and err.endswith("2 errors\n")
    assert "wrong.pf:1:22" in err and "wrong.pf:2:22" in err
    path.write_text("")
    assert pf(capsys, "check", path) == (0, "", "")


def test_fmt(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "loose.pf"
    loose, tidy = "def f( x:f64 ):f64=x*2.0", "def f(x: f64): f64 = x * 2.0\n"
    path.write_text(loose)
    assert pf(capsys, "fmt", "--check", path) == (1, "", f"would change {path}\n")
    assert path.read_text() == loose
    assert pf(capsys, "fmt", path) == (0, "", f"formatted {path}\n")
    assert path.read_text() == tidy
    assert pf(capsys, "fmt", "--check", path) == (0, "", "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(loose.encode())))
    assert pf(capsys, "fmt", "-")[:2] == (0, tidy)
    path.write_text("def f(")
    code, out, err = pf(capsys, "fmt", path)
    assert (code, out) == (1, "") and "error[E0" in err and path.read_text() == "def f("


def test_bench_times_value_and_gradient(capsys: pytest.CaptureFixture[str], program: Path) -> None:
    code, out, err = pf(capsys, "bench", program, "dot", "n=3", "--rounds", "2", "--backend", "reference", "--json")
    result = json.loads(out)["result"]
    assert code == 0 and result["sizes"] == {"n": 3} and result["seed"] == 0
    assert [row["name"] for row in result["rows"]] == ["value", "value and gradient"]
    code, out, err = pf(capsys, "bench", program, "slope", "k=1", "--rounds", "1", "--backend", "reference")
    assert code == 0 and "flops" in out and "seed: 0" in err


TESTS = """\
def f(x: f64): f64 = x * x
def wrong_rule(x: f64, y_bar: f64): f64 = 3.0 * x * y_bar
def right_rule(x: f64, x_dot: f64): f64 = 2.0 * x * x_dot
def g(x: f64): f64 with vjp wrong_rule, jvp right_rule = x * x
def deep(n: i64): f64 = if n == 0 then 0.0 else 1.0 + deep(n - 1)
def at(i: i64): f64 = [1.0, 2.0][i]
test "fine" {
  check f(2.0) ~= 4.0
  check f(2.0) == 4.0
  dot f at 2.0
  cost f at 2.0 <= 4.0
  fails "E030" nothing
  fails "E100" at(5)
}
test "wrong" {
  check f(2.0) ~= 4.1 within 1e-3
  check [1.0, f(2.0)] ~= [1.0, 5.0]
  check f(2.0) > 5.0
  dot g at 2.0
  cost f at 2.0 <= 0.5
  fails "E031" nothing
  fails "E030" f(1.0)
}
"""


def test_test_blocks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "claims.pf"
    path.write_text(TESTS)
    code, out, err = pf(capsys, "test", path, "--seed", "7", "--json")
    rows = json.loads(out)["result"]["claims"]
    wrong = {(row["place"], row["kind"], row["backend"]) for row in rows if row["status"] == "failed"}
    assert code == 1 and {row["test"] for row in rows if row["status"] == "failed"} == {"wrong"}
    assert {place for place, _, _ in wrong} == set(range(7))
    assert {backend for _, kind, backend in wrong if kind in ("check", "dot")} == {"reference", "xla", "llvm"}
    code, out, err = pf(capsys, "test", path, "--backend", "reference")
    assert code == 1 and "  ok   fine (6 claims)\n  FAIL wrong (7 claims)\n" in out
    assert out.endswith("13 claims: 6 passed, 7 failed (reference; seed 0)\n")
    for part in ("E190", "4.0, not 4.1", "element [1] is 4.0, not 5.0", "the claim is false", "E191", "E192", "E193"):
        assert part in err, part
    code, out, _ = pf(capsys, "test", path, "--only", "fine", "--backend", "reference")
    assert code == 0 and out.endswith("6 claims: 6 passed (reference; seed 0)\n")


def test_a_claim_that_cannot_be_compiled_is_skipped_with_a_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "deep.pf"
    path.write_text(
        "def count(n: i64): f64 = if n <= 0 then 0.0 else 1.0 + count(n - 1)\n"
        'test "run time decides" { check count(sum([1, 2])) ~= 3.0 }\n'
    )
    code, out, err = pf(capsys, "test", path)
    assert (
        code == 0
        and "1 passed, 2 skipped" in out
        and "skipped on xla" in err
        and "skipped on llvm" in err
        and "calls itself" in err
    )


def test_check_stays_light_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    path = tmp_path / "f.pf"
    path.write_text("def f[n](x: [n]f64): f64 = sum(x)\n")
    script = (
        "import sys; from pushforward.cli import main; code = main(['check', sys.argv[1]]);"
        "heavy = {'numpy', 'jax', 'sympy', 'rich', 'scipy', 'z3', 'lark'} & set(sys.modules);"
        "print(code, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"
