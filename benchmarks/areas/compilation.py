"""Compile times of native code: long straight lines, a large program, and a start from what is kept on disk."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from ..harness import Bar, Context, Row, failed, measured

AREA = "compile"


@dataclass(frozen=True)
class Case:
    """A chain of so many steps or a problem by name, and the seconds it may take."""

    name: str
    title: str
    seconds: float
    steps: int = 0
    warm: bool = False


CASES = (
    Case("chain_1000", "gradient of a straight line of 1,000 steps: text to first result", 2.0, 1000),
    Case("chain_4000", "gradient of a straight line of 4,000 steps: text to first result", 10.0, 4000),
    Case("hand_simple", "HAND simple, 100 points: file to first result", 3.0),
    Case("hand_complicated", "HAND complicated, 100 points: file to first result", 3.0),
    Case("hand_simple", "HAND simple, code kept on disk: file to first result", 0.3, warm=True),
    Case("lstm_l2_c1024", "LSTM, code kept on disk: file to first result", 0.3, warm=True),
)


def rows(context: Context) -> list[Row]:
    """Seconds of each."""
    return [_row(case, context) for case in CASES if not (context.quick and case.steps > 1000)]


def _row(case: Case, context: Context) -> Row:
    name = f"{AREA}/{case.name}{'/warm' if case.warm else ''}"
    bar = Bar(name, "gate", AREA, case.title, "time", "s", "<=", case.seconds)
    with tempfile.TemporaryDirectory() as folder:
        found = [_measured(case, context, folder if case.warm else "off") for _ in range(2 if case.warm else 1)]
    if isinstance(found[-1], str):
        return failed(bar, found[-1])
    return measured(bar, found[-1], ours=found[-1], seed=context.seed)


def _measured(case: Case, context: Context, cache: str) -> float | str:
    job = {
        "core": context.core, "steps": case.steps, "problem": case.name, "root": str(context.root), "cache": cache,
        "data": str(context.data) if context.data else "",
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.compile_worker", json.dumps(job)]
    ran = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=600, check=False)
    if ran.returncode:
        return ran.stderr.strip()[-300:]
    found = json.loads(ran.stdout.splitlines()[-1])
    return found["wrong"] or found["seconds"]
