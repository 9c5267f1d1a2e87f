"""The corpus run in processes of its own: a list of ids enters, one line of JSON per entry leaves in a file.

`python -m benchmarks.corpus.runner STATE COUNT WHAT ID …` runs up to COUNT of the named entries, for first derivatives
or for Taylor series. A process ends after a share of the corpus, which bounds its memory; one that dies or hangs over
an entry leaves the entry's start in the file, and `measured` counts it as crashed (when JAX had answered) and goes on
with a new process.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "benchmarks.corpus.runner")
SHARE = 60
LIMIT_SECONDS = 300.0
ORACLE_SECONDS = 1500.0
"""Time for one entry in Pushforward, and in JAX (which compiles every operation by itself), before the process ends."""

Verdicts = dict[str, dict[str, Any]]
What = Literal["derivatives", "series"]


def measured(ids: Sequence[str], state: Path, what: What = "derivatives") -> Verdicts:
    """The verdict on every id; what the state file has already is not run again."""
    environment = {**os.environ, "JAX_ENABLE_X64": "1", "PYTHONWARNINGS": "ignore"}
    environment.setdefault("JAX_PLATFORMS", "cpu")
    while True:
        verdicts, begun, answered = read(state)
        missing = [id_ for id_ in ids if id_ not in verdicts]
        if not missing:
            return verdicts
        if begun in missing:  # the process that began with it ended before it was through
            status = "crashed" if answered else "unresolved"
            append(state, {"id": begun, "status": status, "reason": "the process died or took too long"})
            continue
        command = [*COMMAND, str(state), str(SHARE), what, *missing]
        ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
        if ended.returncode != 0 and read(state) == (verdicts, begun, answered):
            raise RuntimeError(f"the runner of the corpus ends with {ended.returncode} before its first entry")


def read(state: Path) -> tuple[Verdicts, str, bool]:
    """The verdicts so far, the entry that was begun last, and whether JAX has answered for it."""
    verdicts: Verdicts = {}
    begun, answered = "", False
    lines = state.read_text(encoding="utf-8").splitlines() if state.is_file() else []
    for line in lines:
        found = json.loads(line)
        if "begun" in found:
            begun, answered = found["begun"], False
        elif "answered" in found:
            answered = True
        elif "id" in found:
            verdicts[found["id"]] = found
    return verdicts, begun, answered


def append(state: Path, line: dict[str, Any]) -> None:
    """One more line, on the disk at once."""
    with state.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def limited(seconds: float) -> None:
    """End the process unless it calls this again within some seconds."""
    faulthandler.cancel_dump_traceback_later()
    faulthandler.dump_traceback_later(seconds, exit=True)


def answered(state: Path, id_: str) -> None:
    """JAX is through with an entry; now it is our turn."""
    append(state, {"answered": id_})
    limited(LIMIT_SECONDS)


def verdict(state: Path, id_: str, what: What) -> dict[str, Any]:
    """The verdict on one entry, also when its package is missing or JAX gives nothing to compare with."""
    from . import kept, ours, ours_series
    from .groups import find
    from .oracle import Unfit

    try:
        entry = find(id_)
        if entry is None:
            return {"id": id_, "status": "unresolved", "reason": "no arguments were found that JAX accepts"}
        if what == "series":
            series = kept.series_oracle(entry)
            answered(state, id_)
            return asdict(ours_series.judge(entry, series))
        jax_says = kept.oracle(entry)
        answered(state, id_)
        return asdict(ours.judge(entry, jax_says))
    except ImportError as error:
        return {"id": id_, "status": "absent", "reason": str(error)}
    except Unfit as error:
        return {"id": id_, "status": "unresolved", "reason": str(error)}
    except Exception as error:  # making the entry or its oracle broke; the others must still be run
        return {"id": id_, "status": "unresolved", "reason": f"{type(error).__name__}: {error}"[:300]}


def main(state: Path, count: int, what: What, ids: Sequence[str]) -> None:
    """Run the first `count` of some entries, with a progress line on a terminal."""
    from .groups import memory_kept_low

    for number, id_ in enumerate(ids[:count]):
        if sys.stderr.isatty():
            print(f"\r\033[K{len(ids) - number:4} left  {id_}", end="", file=sys.stderr, flush=True)
        append(state, {"begun": id_})
        limited(ORACLE_SECONDS)
        append(state, verdict(state, id_, what))
        faulthandler.cancel_dump_traceback_later()
        memory_kept_low(number)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "series" if sys.argv[3] == "series" else "derivatives", sys.argv[4:])
