"""What probing says besides its ten gates: grades, domains, kinks, guilt, reproducers, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main
from pushforward.verify.properties.probe.report import Report
from pushforward.verify.properties.probe.run import NAMES

WAVE = """def g(x: f64, y_bar: f64): f64 = -(cos(x) * y_bar)
def wave(x: f64): f64 with vjp g = sin(x)
def energy[n](x: [n]f64, p: {mu: f64, s: f64}): f64 =
  let y = for i < n => wave(x[i]) * p.mu in sum(y) + p.s
"""


def probe(text: str, *arguments: object, **options: Any) -> Report:
    return pf.probe(pf.parse(text)["f"], *arguments, samples=4, **options)


@pytest.mark.parametrize(
    ("text", "arguments", "status"),
    [
        # A guard by `where` lets nan through backwards; a branch does not.
        ("def f(x: f64): f64 = where(x > 0.0, log(x), 0.0)", (1.3,), "refuted"),
        ("def f(x: f64): f64 = if x > 0.0 then log(x) else 0.0", (1.3,), "supported"),
        # The root rises without bound at 0, which is no fault of a rule.
        ("def f(x: f64): f64 = sqrt(x)", (0.5,), "supported"),
        # At tau = 0 a division leaves its domain, although exp(-inf) is finite.
        ("def f(t: f64, tau: f64): f64 = exp(-t / tau)", (1.0, 2.0), "supported"),
        ("def f(x: f64): f64 = abs(x) + maximum(x, 0.0)", (0.5,), "supported"),
    ],
)
def test_derivatives_that_are_not_finite(text: str, arguments: tuple[float, ...], status: str) -> None:
    assert probe(text, *arguments, properties="finite")["finite"].status == status


def test_points_near_kinks_are_moved_and_counted() -> None:
    def zigzag(x: float) -> float:
        return np.abs(x - np.round(4 * x) / 4)

    def slope(x: float, x_dot: float) -> float:
        return np.sign(x - np.round(4 * x) / 4) * x_dot

    report = pf.probe(zigzag, 1.1, jvp=slope, properties="curve", samples=60)
    assert report.ok and report["curve"].moved > 0, report
    assert report["curve"].checked > 50 and "moved off kinks" in str(report)
    at_kink = pf.probe(np.abs, 0.0, jvp=lambda x, x_dot: np.sign(x) * x_dot, properties="curve", samples=0)
    assert at_kink["curve"].status == "unknown" and "kink" in at_kink["curve"].detail


def test_the_fault_is_followed_into_loops_and_calls() -> None:
    module = pf.parse(WAVE)
    report = pf.probe(module["energy"], [0.3, 0.5, 1.0], {"mu": 0.4, "s": 1.0}, samples=3, properties=["curve"])
    witness = report["curve"].witness
    assert witness is not None and witness.guilty == "the vjp rule of `wave`"
    assert witness.span is not None and (witness.span.line, witness.span.text) == (4, "wave(x[i])")
    assert witness.rule is not None and witness.rule.line == 1
    arguments = dict(witness.arguments)
    assert list(arguments) == ["x", "p.mu", "p.s"]
    np.testing.assert_array_equal(arguments["x"], [0.0])
    assert "guilty    the vjp rule of `wave`" in str(report) and "1 | def g(x: f64" in str(report)


def test_a_right_step_before_the_fault_is_not_blamed() -> None:
    text = """def g(x: f64, y_bar: f64): f64 = 2.0 * y_bar
def twice(x: f64): f64 with vjp g = 3.0 * x
def f(x: f64, y: f64): f64 =
  let a = exp(x) in
  let b = twice(a) in
  a * b + sin(y)
"""
    witness = probe(text, 0.3, 0.4, properties="curve")["curve"].witness
    assert witness is not None and witness.span is not None and witness.span.line == 5


def test_programs_that_cannot_be_differenced_are_unknown() -> None:
    report = probe("def f(x: f64): f64 = x * stop_gradient(x)", 0.7, properties=["curve", "dot", "associativity"])
    assert report.ok and report["dot"].status == "supported"
    assert report["curve"].status == "unknown" and "stop_gradient" in report["curve"].detail
    assert report["associativity"].detail == "there is no `reduce`"


def test_f32_programs_are_compared_coarsely() -> None:
    report = probe("def f(x: f32): f32 = sin(x) * x", np.float32(0.7))
    assert report.ok and report["curve"].status == "supported" and report["precision"].status == "unknown"


def test_operators_on_tuples_are_probed_over_the_rationals() -> None:
    affine = """def op(f: (f64, f64), g: (f64, f64)): (f64, f64) = (f.0 * g.0, RULE)
def f[n](a: [n + 1]f64, b: [n + 1]f64): f64 = reduce(op, for i < n + 1 => (a[i], b[i])).1
"""
    wrong, right = affine.replace("RULE", "f.1 * g.0 - g.1"), affine.replace("RULE", "f.1 * g.0 + g.1")
    arguments = ([0.5, 1.5, 2.0], [1.0, -1.0, 0.3])
    refuted = probe(wrong, *arguments, properties="associativity")["associativity"]
    assert refuted.witness is not None
    assert [name for name, _ in refuted.witness.arguments] == ["a.0", "a.1", "b.0", "b.1", "c.0", "c.1"]
    assert probe(right, *arguments, properties="associativity")["associativity"].status == "supported"


def test_functions_of_nested_arguments() -> None:
    def energy(p: dict[str, np.ndarray], n: int) -> np.ndarray:
        return np.sum(p["a"] ** 2) * p["b"] * n

    def pulled(p: dict[str, np.ndarray], n: int, y_bar: np.ndarray) -> dict[str, np.ndarray]:
        return {"a": 2 * p["a"] * p["b"] * n * y_bar, "b": np.sum(p["a"] ** 2) * n * y_bar}

    assert pf.probe(energy, {"a": np.array([1.0, 2.0]), "b": 3.0}, 4, vjp=pulled).ok

    def forgets(p: dict[str, np.ndarray], n: int, y_bar: np.ndarray) -> dict[str, np.ndarray]:
        return {"a": pulled(p, n, y_bar)["a"]}

    report = pf.probe(energy, {"a": np.array([1.0, 2.0]), "b": 3.0}, 4, vjp=forgets)
    assert report["shapes"].status == "refuted"


def test_rules_that_raise_or_write_into_arguments() -> None:
    def spoils(x: np.ndarray, y_bar: np.ndarray) -> np.ndarray:
        x *= 2
        return x * y_bar

    assert pf.probe(lambda x: np.sum(x * x), np.array([1.0, 2.0]), vjp=spoils).ok  # it was given a copy

    def raises(x: np.ndarray, y_bar: np.ndarray) -> np.ndarray:
        raise ValueError("no rule")

    shapes = pf.probe(np.sum, np.array([1.0, 2.0]), vjp=raises)["shapes"]
    assert shapes.witness is not None and "ValueError" in shapes.witness.actual


def test_reports_are_the_same_for_the_same_seed() -> None:
    reports = [probe(WAVE.replace("wave(x: f64)", "f(x: f64)").split("def energy")[0], 0.7, seed=5) for _ in range(2)]
    assert str(reports[0]) == str(reports[1]) and reports[0].to_json() == reports[1].to_json()
    assert [finding.property for finding in reports[0].findings] == list(NAMES)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((1,), {}, "no example argument is a float"),
        ((), {}, "example arguments"),
        ((1.0,), {"properties": "curves"}, "did you mean `curve`"),
        ((np.nan,), {}, "nothing can be probed here"),
    ],
)
def test_what_cannot_be_probed(arguments: tuple[object, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(pf.DiagnosticError, match="E195") as caught:
        pf.probe(np.sin, *arguments, **options)
    assert words in str(caught.value)


# --- the command ---


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    path = tmp_path / "wave.pf"
    path.write_text(WAVE)
    return path


def test_the_command_reports_and_its_line_repeats(wave: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["probe", str(wave), "energy", "x=[0.3, 0.5]", "p={mu=0.4, s=1.0}", "--property", "curve", "--samples", "2"]
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "refuted    curve" in out and f"pf probe {wave} energy 'x=[0.0]' 'p={{mu = 1.0, s = 0.0}}'" in out
    assert main(["probe", str(wave), "energy", "x=[0.0]", "p={mu = 1.0, s = 0.0}", "--property", "curve"]) == 1
    assert main(["probe", str(wave), "energy", "--property", "primal", "--samples", "1"]) == 0
    assert main(["probe", str(wave), "energy", "--property", "none"]) == 2
    assert main(["probe", str(wave), "energy", "x=[1.0]"]) == 2


def test_the_command_gives_json(wave: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(wave), "wave", "x=0.5", "--property", "curve", "--samples", "1", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["diagnostics"][0]["code"] == "E194" and document["result"]["ok"] is False
    witness = document["result"]["findings"][0]["witness"]
    assert witness["arguments"] == {"x": 0.0} and witness["rule"]["line"] == 1


def test_the_command_writes_a_test_that_fails_until_the_rule_is_right(wave: Path, tmp_path: Path) -> None:
    target = tmp_path / "tests" / "test_wave.py"
    target.parent.mkdir()
    words = ["probe", str(wave), "wave", "x=0.5", "--property", "curve", "--samples", "1", "--write", str(target)]
    assert main(words) == 1
    text = target.read_text()
    assert "def test_wave_curve() -> None:" in text and "x = 0.0" in text and "the vjp rule of `wave`" in text
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(target)]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True).returncode == 1
    wave.write_text(WAVE.replace("-(cos(x) * y_bar)", "cos(x) * y_bar"))
    assert subprocess.run(run, cwd=tmp_path, capture_output=True).returncode == 0


def test_verbs_and_properties_are_listed_alike() -> None:
    from pushforward.cli.probe import NAMES as listed

    assert listed == NAMES
