"""Measuring processes: a module of this package and its arguments enter, the JSON that it prints last leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def found_by(module: str, words: Sequence[str], root: Path, limit: float) -> Any:
    """What a measuring process found.

    Args:
        module: its name in `benchmarks`, such as ``worker``.
        words: its arguments, often one JSON object.
        root: of the repository, where it runs.
        limit: seconds that it may take.

    Raises RuntimeError with the end of what it wrote on standard error when it fails, TimeoutExpired when it is slow.
    """
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *words],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"benchmarks.{module} failed: {ran.stderr.strip()[-2000:]}")
    return json.loads(ran.stdout.splitlines()[-1])
