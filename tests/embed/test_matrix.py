"""Compositions of JAX's transformations on two devices, for one program, in the long run for two; a benchmark
looks at all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["custom_forward", pytest.param("recurrent", marks=pytest.mark.soak)])
def test_compositions_equal_plain_jax(name: str) -> None:
    command = [sys.executable, "-m", "benchmarks.matrix_worker", name]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    found = json.loads(result.stdout.splitlines()[-1])[name]
    assert found["wrong"] == {} and found["count"] >= 33
    assert found["identity"] and found["linear"]
