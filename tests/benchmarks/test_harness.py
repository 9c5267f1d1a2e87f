"""Benchmark rows: verdicts follow from bars, ratios from interleaved times, slow peers void a row."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import harness, results, timing, worker
from benchmarks.areas import AREAS, adbench, frontend, speed
from benchmarks.harness import Bar

AT_MOST = Bar("a/b", "gate", "a", "b", "error", "", "<=", 1e-8)
AT_LEAST = Bar("a/c", "aim", "a", "c", "ratio", "", ">=", 0.95)


def run_of(
    times: dict[str, list[float]],
    distance: dict[str, float] | None = None,
    failures: dict[str, str] | None = None,
) -> timing.Run:
    return timing.Run(
        times, dict.fromkeys(times, 1.0), failures or {}, "", distance or dict.fromkeys(times, 0.0), {}
    )


@pytest.mark.parametrize(
    ("bar", "value", "ok"),
    [
        (AT_MOST, 1e-8, True),
        (AT_MOST, 1.1e-8, False),
        (AT_LEAST, 0.95, True),
        (AT_LEAST, 0.94, False),
        (AT_MOST, math.nan, False),
        (AT_LEAST, math.nan, False),
        (AT_LEAST, math.inf, False),
        (AT_MOST, -math.inf, False),
    ],
)
def test_ok_follows_from_the_bar(bar: Bar, value: float, ok: bool) -> None:
    row = harness.measured(bar, value)
    assert row.ok is ok
    assert (row.value is None) is not math.isfinite(value)


def test_numbers_of_numpy_can_be_reported() -> None:
    document = json.loads(json.dumps(harness.report([harness.measured(AT_MOST, np.float64(2.0))])))
    assert document["rows"][0]["ok"] is False


def test_row_without_verdict_needs_a_note() -> None:
    assert harness.unmeasured(AT_MOST, "no peer installed").ok is None
    with pytest.raises(ValueError, match="note"):
        harness.unmeasured(AT_MOST, "")


def test_ratio_is_peer_over_ours_by_round_and_median() -> None:
    run = run_of({"ours": [1.0, 2.0, 4.0], "jax a": [2.0, 6.0, 4.0], "jax b": [9.0, 9.0, 9.0]})
    row = timing.speed_row(AT_LEAST, run, seed=3)
    assert (row.value, row.ok, row.peer_name, row.samples, row.seed) == (2.0, True, "jax a", 3, 3)
    assert (row.ours, row.peer, row.spread) == (2.0, 4.0, 1.0)


def test_named_peer_that_is_not_the_fastest_voids_the_row() -> None:
    run = run_of({"ours": [1.0] * 3, "jax a": [4.0] * 3, "jax b": [2.0] * 3})
    row = timing.speed_row(AT_LEAST, run, seed=0, named="jax a")
    assert row.ok is None and row.value is None
    assert "void" in row.note and "jax b" in row.note
    assert timing.speed_row(AT_LEAST, run, seed=0, named="jax b").ok is True


def test_wrong_result_fails_however_fast() -> None:
    times = {"ours": [0.1] * 3, "jax a": [4.0] * 3}
    assert timing.speed_row(AT_LEAST, run_of(times, {"ours": 1e-3, "jax a": 0.0}), seed=0).ok is False
    assert timing.speed_row(AT_LEAST, run_of(times, {"ours": 1e-9, "jax a": 0.0}), seed=0).ok is True


def test_peers_that_disagree_void_the_row() -> None:
    run = run_of({"ours": [1.0], "jax a": [2.0], "jax b": [3.0]}, {"ours": 0.0, "jax a": 0.0, "jax b": 1.0})
    assert timing.speed_row(AT_LEAST, run, seed=0).ok is None


def test_our_failure_is_a_failure_with_the_reason() -> None:
    run = run_of({"jax a": [2.0]}, failures={"ours": "DiagnosticError: E012"})
    row = timing.speed_row(AT_LEAST, run, seed=0)
    assert row.ok is False and "E012" in row.note


def test_distance_is_relative_for_large_and_absolute_for_small() -> None:
    assert worker.distance(np.array([1e6]), np.array([1e6 + 1.0])) == pytest.approx(5e-7, rel=1e-3)
    assert worker.distance(np.array([0.0]), np.array([1e-9])) == pytest.approx(1e-9)
    assert worker.distance(np.array([math.nan]), np.array([1.0])) == math.inf
    assert worker.distance(np.zeros(2), np.zeros(3)) == math.inf


def test_start_up_is_compared_with_lark() -> None:
    start, thousand = frontend.judge_checks({frontend.LARK: [0.1] * 3, "0": [0.2] * 3, "1000": [0.5] * 3}, 3)
    assert start.value == pytest.approx(2.0) and start.ok
    assert thousand.value == 0.5 and thousand.ok


def test_golden_row_compares_with_the_published_number_only_on_published_data() -> None:
    outputs = {"ours": [8.0, 1.0], "jax": [8.0, 1.0]}
    goldens = {"gmm": {"objective": 9.0, "expected_gradient": [1.0]}}
    real = timing.Run({}, {}, {}, "", {}, outputs)
    generated = timing.Run({}, {}, {}, "generated data of the same shape", {}, outputs)
    objective, gradient = adbench.GOLDENS[:2]
    assert adbench.golden_row(objective, real, goldens, 0, "auto").ok is False
    assert adbench.golden_row(gradient, real, goldens, 0, "auto").ok is True
    row = adbench.golden_row(objective, generated, goldens, 0, "auto")
    assert row.ok is True and row.peer_name == "jax" and "generated" in row.note


def test_every_race_has_a_problem_with_two_formulations() -> None:
    from benchmarks.problems import PROBLEMS

    for race in speed.RACES:
        assert race.problem in PROBLEMS
    assert set(AREAS) >= {"spine", "adbench", "frontend", "speed"}


def test_an_area_can_be_measured_in_parts_and_joined(tmp_path: Path) -> None:
    from benchmarks.__main__ import kept_rows
    from benchmarks.areas import names

    assert {"embed", "embed/matrix", "spine/demo", "speed"} <= set(names()) and "speed/" not in names()
    rows = [harness.measured(bar, 1.0) for bar in (AT_MOST, AT_LEAST)]
    report = tmp_path / "report.json"
    report.write_text(json.dumps(harness.report(rows)), encoding="utf-8")
    assert kept_rows([report], {"a/b"}) == rows[1:]
    report.write_text(json.dumps(harness.report(rows) | {"machine": {}}), encoding="utf-8")
    with pytest.raises(ValueError, match="another machine"):
        kept_rows([report], set())


def test_report_is_json_and_names_no_host() -> None:
    document = harness.report([harness.measured(AT_MOST, 0.0)])
    assert json.loads(json.dumps(document)) == document
    assert document["schema"] == 1 and set(harness.machine()) == {"cpu", "cores"}
    assert set(document) == {"schema", "machine", "device", "python", "versions", "rows"}


def test_results_page_shows_verdicts_and_escapes_bars() -> None:
    rows = [
        harness.measured(AT_MOST, 1.0, note="a|b"),
        harness.measured(AT_LEAST, 1.0),
        harness.unmeasured(AT_LEAST, "no device"),
    ]
    text = results.page(harness.report(rows))
    assert "Gates holding: 0 of 1; aims reached: 1 of 2 (1 without a verdict)" in text
    assert "**no**" in text and "a\\|b" in text and "Generated" in text


@pytest.mark.parametrize(
    ("arguments", "said"), [(["nonsense"], "adbench"), (["spine", "--data", "/nowhere"], "data folder")]
)
def test_bad_invocation_exits_two_and_says_why(arguments: list[str], said: str) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "benchmarks", *arguments]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and said in result.stderr
