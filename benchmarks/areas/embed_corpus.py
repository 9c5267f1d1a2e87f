"""The corpus: every public callable, every primitive, compositions and programs of other packages, against plain JAX.

Value, derivative along a direction and cotangents of each entry are compared with what JAX gives eagerly. An entry is
right, wrong, or refused with a diagnostic; what raises anything else is wrong. A run that was stopped goes on where it
stopped as long as no source has changed. The verdicts are in build/embed_corpus.json.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..harness import Bar, Context, Row, measured, unmeasured, versions

AREA = "embed"
SOURCES = ("lang", "ad", "codegen", "semantics", "pushforward", "benchmarks/corpus")
EVERY = 10
"""A quick run takes one entry in so many."""

TITLES = {
    "callables": "public callables of jax.nn, jax.numpy, jax.scipy and jax.lax",
    "primitives": "primitives with a derivative in JAX",
    "compositions": "compositions in plain JAX",
    "packages": "programs of Equinox, Flax, Diffrax, Optax and NumPyro",
}


def rows(context: Context) -> list[Row]:
    """For every part: how many are wrong, the share that is right, how many are refused."""
    from ..corpus.groups import groups
    from ..corpus.runner import measured as verdicts_of

    parts = {name: list(part.denominator) for name, part in groups().items()}
    chosen = {name: listed[:: EVERY if context.quick else 1] for name, listed in parts.items()}
    ids = [f"{name}/{one}" for name, listed in chosen.items() for one in listed]
    folder = context.root / "build"
    folder.mkdir(exist_ok=True)
    state = begun(folder / "embed_corpus.jsonl", fingerprint(context.root))
    found = verdicts_of(ids, state)
    excluded = {name: dict(part.excluded) for name, part in groups().items()}
    document = {"versions": versions(), "excluded": excluded, "entries": [found[id_] for id_ in ids]}
    (folder / "embed_corpus.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    made = [
        row
        for name, listed in chosen.items()
        for row in rows_of(name, [found[f"{name}/{one}"] for one in listed], len(parts[name]), len(excluded[name]))
    ]
    state.unlink()
    return [whole_row(list(found.values()), ids), *made]


def whole_row(verdicts: Sequence[dict[str, Any]], ids: Sequence[str]) -> Row:
    """The share of the whole corpus that is right."""
    bar = Bar("embed/corpus", "gate", AREA, "the whole corpus", "share that is right", "", ">=", 0.9)
    present = [one for one in verdicts if one["id"] in set(ids) and one["status"] != "absent"]
    counts = Counter(one["status"] for one in present)
    if not present:
        return unmeasured(bar, "nothing was measured")
    note = f"{listing(counts)} of {len(present)}"
    return measured(bar, counts["right"] / len(present), samples=len(present), note=note)


def fingerprint(root: Path) -> str:
    """A hash of every source that a verdict rests on, and of the versions of the packages."""
    found = hashlib.sha256(json.dumps(versions()).encode())
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def begun(state: Path, key: str) -> Path:
    """The state file, emptied unless it belongs to these sources."""
    head = json.dumps({"sources": key})
    if not state.is_file() or state.read_text(encoding="utf-8").partition("\n")[0] != head:
        state.write_text(head + "\n", encoding="utf-8")
    return state


def rows_of(part: str, verdicts: Sequence[dict[str, Any]], size: int, excluded: int) -> list[Row]:
    """The three rows of one part; entries whose package is missing are left out."""
    bars = (
        Bar(f"embed/{part}/wrong", "gate", AREA, TITLES[part], "entries that are wrong", "", "<=", 0.0),
        Bar(f"embed/{part}/share", "aim", AREA, TITLES[part], "share that is right", "", ">=", 0.9),
        Bar(f"embed/{part}/refused", "aim", AREA, TITLES[part], "entries refused with a diagnostic", "", "<=", 0.0),
    )
    present = [one for one in verdicts if one["status"] != "absent"]
    absent = [f"not measured: {names(verdicts, ['absent'])}"] if len(present) < len(verdicts) else []
    if not present:
        return [unmeasured(bar, absent[0]) for bar in bars]
    counts = Counter(one["status"] for one in present)
    about = [f"{len(present)} of {size} entries", f"{excluded} names excluded with a reason", *absent]
    wrong = ["wrong", "crashed"]
    notes = (
        "; ".join([*about, names(present, wrong)]).rstrip("; "),
        f"{listing(counts)} of {len(present)}; no arguments found: {names(present, ['unresolved']) or 'none'}",
        refusals(present),
    )
    amounts = (sum(counts[status] for status in wrong), counts["right"] / len(present), counts["refused"])
    return [
        measured(bar, float(amount), samples=len(present), note=note)
        for bar, amount, note in zip(bars, amounts, notes, strict=True)
    ]


def names(verdicts: Sequence[dict[str, Any]], statuses: Sequence[str]) -> str:
    """The names of the entries with these statuses, without the part they are in."""
    return ", ".join(one["id"].partition("/")[2] for one in verdicts if one["status"] in statuses)


def listing(counts: Counter[str]) -> str:
    """Counts by status, the greatest first.

    >>> listing(Counter({"right": 3, "refused": 1}))
    '3 right, 1 refused'
    """
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def refusals(verdicts: Sequence[dict[str, Any]]) -> str:
    """The refused entries under their codes.

    >>> refusals([{"id": "p/a", "status": "refused", "code": "E203"}, {"id": "p/b", "status": "right"}])
    'E203: a'
    """
    refused = [one for one in verdicts if one["status"] == "refused"]
    codes = sorted({one["code"] for one in refused})
    return "; ".join(f"{code}: {names([one for one in refused if one['code'] == code], ['refused'])}" for code in codes)
