"""`python -m benchmarks [AREA ...] [--quick] [--data DIR] [--json FILE] [--results FILE.md]`.

Runs the named areas (all by default), prints one line per row, and exits 1 when a gate does not hold.
Runs in the project's `.venv` when there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .harness import Context, Row

ROOT = Path(__file__).resolve().parent.parent


def enter_venv() -> None:
    """Start over in `.venv` if it exists and is not what runs us."""
    venv = ROOT / ".venv"
    python = venv / "bin" / "python"
    if python.is_file() and Path(sys.prefix).resolve() != venv.resolve() and "PF_BENCHMARKS_STARTED" not in os.environ:
        os.environ["PF_BENCHMARKS_STARTED"] = "1"
        os.execv(python, [str(python), "-m", "benchmarks", *sys.argv[1:]])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the toolkit against its bars.")
    made.add_argument(
        "areas", nargs="*", metavar="AREA", help="areas to run, or parts such as embed/matrix (default: all)"
    )
    made.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    made.add_argument("--data", type=Path, default=None, help="folder of data sets (default: $PUSHFORWARD_DATA)")
    made.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the report here")
    made.add_argument("--results", type=Path, default=None, metavar="FILE", help="write the Markdown page here")
    made.add_argument(
        "--keep", type=Path, nargs="*", default=[], metavar="FILE", help="reports that give the rows not measured now"
    )
    made.add_argument("--seed", type=int, default=0, help="seed of generated data (default: 0)")
    return made


def data_folder(given: Path | None) -> Path | None:
    """The folder named on the command line, else by PUSHFORWARD_DATA, as an absolute path."""
    named = given or (Path(os.environ["PUSHFORWARD_DATA"]) if os.environ.get("PUSHFORWARD_DATA") else None)
    if named is not None and not named.is_dir():
        raise NotADirectoryError(f"no such data folder: {named}")
    return named.resolve() if named else None


def main(arguments: Sequence[str]) -> int:
    """Run areas and write what was asked for."""
    os.environ["PUSHFORWARD_CACHE"] = "off"  # the time that compiling takes is a figure of its own
    from .areas import AREAS, names
    from .harness import Context, report
    from .results import page

    options = parser().parse_args(arguments)
    unknown = [name for name in options.areas if name not in names()]
    if unknown:
        print(f"unknown area {unknown[0]}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    try:
        context = Context(ROOT, data_folder(options.data), options.quick, options.seed)
    except NotADirectoryError as error:
        print(error, file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in options.areas or AREAS:
        print(f"running {name} (seed {context.seed})", file=sys.stderr)
        rows += run_area(name, context)
    kept = kept_rows(options.keep, {row.id for row in rows})
    document = report(sorted([*kept, *rows], key=lambda row: list(AREAS).index(row.area)))
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.results:
        options.results.write_text(page(document), encoding="utf-8")
    return 1 if any(row.kind == "gate" and row.ok is False for row in rows) else 0


def kept_rows(reports: Sequence[Path], measured: Collection[str]) -> list[Row]:
    """Rows of earlier reports of this machine that were not measured anew; long areas can so be measured in parts."""
    from .harness import Row, machine

    found: list[Row] = []
    for path in reports:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["machine"] != machine():
            raise ValueError(f"{path} was measured on another machine")
        found += [Row(**row) for row in document["rows"] if row["id"] not in measured]
    return found


def run_area(name: str, context: Context) -> list[Row]:
    """The rows of an area, or of one measurement of it, printed."""
    from .areas import run

    rows = run(name, context)
    for row in rows:
        value = "-" if row.value is None else f"{row.value:.4g}"
        verdict = {True: "ok  ", False: "FAIL", None: "void"}[row.ok]
        print(f"{verdict} {row.kind} {row.id}: {value} {row.unit} ({row.op} {row.target:g}) {row.note}".rstrip())
    return rows


if __name__ == "__main__":
    enter_venv()
    sys.exit(main(sys.argv[1:]))
