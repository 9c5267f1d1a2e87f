"""The quick commands stay quick: what they load is looked at in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json, sys
from pushforward.cli import main
try:
    code = main({arguments!r})
except SystemExit as stop:
    code = stop.code
print(json.dumps([code or 0, sorted(name for name in sys.modules if "." not in name)]), file=sys.__stderr__)
"""


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules in memory after `pf` ran with these arguments and succeeded."""
    probe = PROBE.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_load_no_library(flag: str) -> None:
    assert loaded_by(flag).isdisjoint({"jax", "lark", "llvmlite", "numpy", "scipy", "sympy", "z3"})


def test_check_loads_neither_jax_nor_sympy(tmp_path: Path) -> None:
    program = tmp_path / "square.pf"
    program.write_text("def square(x: f64): f64 = x * x\n")
    assert loaded_by("check", str(program)).isdisjoint({"jax", "scipy", "sympy", "z3"})


def test_package_import_loads_no_library() -> None:
    probe = "import sys, pushforward; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "'pushforward'" in done.stdout
    assert not any(f"'{name}'" in done.stdout for name in ("jax", "lark", "numpy"))
