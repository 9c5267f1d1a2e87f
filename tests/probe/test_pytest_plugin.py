"""The pytest plug-in on folders of `.pf` files, each in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FINE = """
def square(x: f64): f64 = x * x
test "square of three" {
  check square(3.0) ~= 9.0
  dot square at 3.0
}
"""
WRONG = """
test "sum" {
  check 1.0 + 1.0 ~= 3.0
}
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plug-in and no other."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "pushforward.pytest_plugin", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with its own pytest configuration."""
    (tmp_path / "pytest.ini").write_text("[pytest]\npf_files = *.pf\n")
    return tmp_path


def test_test_blocks_are_items_and_failures_are_diagnostics(folder: Path) -> None:
    (folder / "fine.pf").write_text(FINE)
    (folder / "wrong.pf").write_text(WRONG)
    done = run(folder, "-v", "--pf-backend", "reference")
    assert done.returncode == 1
    assert "fine.pf::square of three PASSED" in done.stdout
    assert "wrong.pf::sum FAILED" in done.stdout
    assert "error[E190]: 2.0, not 3.0" in done.stdout and "check 1.0 + 1.0 ~= 3.0" in done.stdout
    assert "Traceback" not in done.stdout and "1 failed, 1 passed" in done.stdout


def test_a_file_that_does_not_check_is_an_error_of_collection(folder: Path) -> None:
    (folder / "broken.pf").write_text('test "broken" { check unknown ~= 1.0 }\n')
    done = run(folder)
    assert done.returncode == 2
    assert "error[E" in done.stdout and "`unknown`" in done.stdout and "Traceback" not in done.stdout


def test_files_are_collected_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "fine.pf").write_text(FINE)
    assert run(tmp_path, "--collect-only").returncode == 5  # nothing collected
    named = run(tmp_path, "--collect-only", "-q", "fine.pf")
    assert named.returncode == 0 and "fine.pf::square of three" in named.stdout


def test_loading_the_plugin_imports_no_library(tmp_path: Path) -> None:
    probe = "import json, sys, pushforward.pytest_plugin; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)).isdisjoint({"numpy", "jax", "lark", "scipy", "hypothesis"})


def test_the_plugin_is_installed_under_its_name() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["project"]["entry-points"]["pytest11"]
    assert entries["pushforward"] == "pushforward.pytest_plugin"
