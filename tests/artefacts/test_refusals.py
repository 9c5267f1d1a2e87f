"""What `pf build` does not do, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.cli import main

PROGRAM = """\
def loss[n](x: [n]f64, k: i64): f64 = sum(x * x) * f64(k)
def curve[n](x: [n]f64): [n]f64 = x * x
def count[n](x: [n]i64): i64 = sum(x)
def special(x: f64): f64 = lgamma(x)
def apply(f: f64 -> f64, x: f64): f64 = f(x)
data Shape = Ball(f64) | Nothing
def ball(r: f64): Shape = if r > 0.0 then Ball(r) else Nothing
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "several.pf"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["loss"], 2, ["E166", "`n` is not given", "n=10"]),
        (["loss", "m=3"], 2, ["E162", "no size `m`"]),
        (["loss", "n=-3"], 2, ["E164"]),
        (["loss", "n=3", "--emit", "dll"], 2, ["E188", "`dll`"]),
        (["loss", "n=3", "--derivative", "hessian"], 2, ["E188", "`hessian`", "value, gradient, jacobian"]),
        (["loss", "n=3", "--derivative", "gradent"], 2, ["did you mean `gradient`?"]),
        (["loss", "n=3", "--cpu", "no-such-cpu"], 2, ["E188", "`no-such-cpu`"]),
        (["loss", "n=3", "--cpu", "i386"], 2, ["E188", "`i386`"]),
        (["loss", "n=3", "--name", "2nd"], 2, ["E181"]),
        (["loss", "n=3", "--wrt", "k"], 2, ["E184"]),
        (["curve", "n=3", "--derivative", "gradient"], 2, ["E185"]),
        (["count", "n=3", "--derivative", "gradient"], 2, ["E184"]),
        (["special"], 1, ["E148", "`special_gradient`", "`digamma`", "several.pf:4:28"]),
        (["apply"], 1, ["E123"]),
        (["ball"], 2, ["E186", "variants"]),
    ],
)
def test_refusals(
    program: Path, words: list[str], code: int, parts: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    out = program.parent / "out"
    assert (
        main(["build", str(program), *words, *([] if "--emit" in words else ["--emit", "h,o"]), "--out", str(out)])
        == code
    )
    printed, said = capfd.readouterr()
    assert printed == "" and [part for part in parts if part not in said] == [], said
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "functions"),
    [
        (["loss", "n=3"], ["loss_value", "loss_gradient"]),
        (["curve", "n=3"], ["curve_value", "curve_jacobian"]),
        (["count", "n=3"], ["count_value"]),
        (["special", "--derivative", "value"], ["special_value"]),
        (["loss", "n=3", "--derivative", "jacobian,value", "--name", "g"], ["g_value", "g_jacobian"]),
    ],
)
def test_functions_that_fit(
    program: Path, words: list[str], functions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(program), *words, "--emit", "h", "--out", str(program.parent)]) == 0
    (path,) = capsys.readouterr().out.split()
    lines = Path(path).read_text().splitlines()
    assert [line[4:-1] for line in lines if line.startswith("int ") and line.endswith("(")] == functions
