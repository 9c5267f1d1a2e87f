"""How long the front end takes: start-up, checking as files grow, and a long scalar chain through reverse
mode."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..generate import chain, definitions
from ..harness import Bar, Context, Row, failed, measured, quartile_spread
from ..timing import join

AREA = "frontend"
SIZES = (0, 1000)
GROWTH_SIZES = (1000, 4000)
LARK = "import lark"
CHAIN_STEPS = 4000

START = Bar(
    "frontend/start",
    "gate",
    AREA,
    "`pf check` of an empty file",
    "time over `import lark` in a fresh Python",
    "",
    "<=",
    3.0,
)
GROWTH = Bar(
    "frontend/growth",
    "gate",
    AREA,
    "checking 4000 lines against 1000",
    "time beyond start-up, ratio",
    "",
    "<=",
    4.5,
)
THOUSAND = Bar("frontend/check_1000", "aim", AREA, "`pf check` of 1000 lines", "time", "s", "<=", 1.0)
CHAIN = Bar(
    "frontend/chain_4000",
    "gate",
    AREA,
    f"{CHAIN_STEPS}-step scalar chain: parse, check, reverse, simplify",
    "time",
    "s",
    "<=",
    3.0,
)

# Start-up is paid before the clock starts: beyond it, checking is a few tenths of a second, less than start-up varies.
GROWTH_PROGRAM = """
import sys, time
import pushforward as pf
for path in sys.argv[1:]:
    pf.check(path)
    start = time.perf_counter()
    assert not pf.check(path)
    print(time.perf_counter() - start)
"""

CHAIN_PROGRAM = """
import sys, time
import pushforward as pf
pf.parse("def identity(x: f64): f64 = x")
start = time.perf_counter()
gradient = pf.grad(pf.load(sys.argv[1])["chain"], wrt=(0, 1))
steps = len(gradient.first().steps)
print(time.perf_counter() - start, steps)
"""


def rows(context: Context) -> list[Row]:
    """All rows of the area; a command that fails turns its rows into failures."""
    repeats = 3 if context.quick else 7
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return [
            *check_rows(place, context, repeats),
            growth_row(place, context, repeats),
            chain_row(place, context, repeats),
        ]


def seconds(command: Sequence[str], root: Path) -> float:
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    elapsed = time.perf_counter() - start
    if result.returncode != 0:
        raise RuntimeError(last_line(result.stdout + result.stderr) or f"exit {result.returncode}")
    return elapsed


def last_line(text: str) -> str:
    """The last line that says something: of a traceback, the exception."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def pf_command() -> list[str]:
    """The installed `pf` next to this Python, else the package run as a module."""
    script = Path(sys.executable).with_name("pf")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "pushforward"]


def check_rows(folder: Path, context: Context, repeats: int) -> list[Row]:
    """Start-up and the thousand-line check, measured in interleaved rounds."""
    commands = {LARK: [sys.executable, "-c", LARK]}
    for size in SIZES:
        path = folder / f"lines_{size}.pf"
        path.write_text(definitions(size) if size else "")
        commands[str(size)] = [*pf_command(), "check", str(path)]
    times: dict[str, list[float]] = {name: [] for name in commands}
    try:
        for command in commands.values():
            seconds(command, context.root)
        for _ in range(repeats):
            for name, command in commands.items():
                times[name].append(seconds(command, context.root))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return [failed(bar, join(str(error))) for bar in (START, THOUSAND)]
    return judge_checks(times, repeats)


def judge_checks(times: dict[str, list[float]], repeats: int) -> list[Row]:
    """The rows from interleaved times of `import lark` and of checking 0 and 1000 lines."""
    empty, small = (times[str(size)] for size in SIZES)
    starts = [ours / lark for ours, lark in zip(empty, times[LARK], strict=True)]
    base = statistics.median(empty)
    return [
        measured(
            START,
            statistics.median(starts),
            ours=base,
            peer=statistics.median(times[LARK]),
            peer_name=LARK,
            samples=repeats,
            spread=quartile_spread(starts),
        ),
        measured(THOUSAND, statistics.median(small), samples=repeats, spread=quartile_spread(small)),
    ]


def growth_row(folder: Path, context: Context, repeats: int) -> Row:
    """How checking grows with the text, start-up left out: both texts in one process, a fresh one each round."""
    paths = [folder / f"growth_{size}.pf" for size in GROWTH_SIZES]
    for path, size in zip(paths, GROWTH_SIZES, strict=True):
        path.write_text(definitions(size))
    command = [sys.executable, "-c", GROWTH_PROGRAM, *map(str, paths)]
    ratios, longest = [], []
    for _ in range(repeats):
        result = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode != 0:
            return failed(GROWTH, join(last_line(result.stderr)))
        small, large = map(float, result.stdout.split())
        ratios.append(large / small)
        longest.append(large)
    return measured(
        GROWTH,
        statistics.median(ratios),
        ours=statistics.median(longest),
        samples=repeats,
        spread=quartile_spread(ratios),
        note="ours: seconds for 4000 lines",
    )


def chain_row(folder: Path, context: Context, repeats: int) -> Row:
    """The chain from text to its simplified gradient program, in a fresh process each time."""
    path = folder / "chain.pf"
    path.write_text(chain(CHAIN_STEPS))
    command = [sys.executable, "-c", CHAIN_PROGRAM, str(path)]
    times, steps = [], ""
    for _ in range(repeats):
        result = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode != 0:
            return failed(CHAIN, join(last_line(result.stderr)))
        elapsed, steps = result.stdout.split()
        times.append(float(elapsed))
    return measured(
        CHAIN,
        statistics.median(times),
        samples=repeats,
        spread=quartile_spread(times),
        note=f"gradient program of {steps} steps; imports not counted",
    )
