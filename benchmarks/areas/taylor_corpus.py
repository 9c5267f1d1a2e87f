"""The corpus of JAX functions at Taylor order 2 and 4, against forward mode of JAX nested as often.

Every entry that JAX differentiates is pushed along a random curve by `pf.jet` of its traced program. An entry is right,
refused with a diagnostic, or wrong; what raises anything else is wrong. What `jax.experimental.jet` makes of the same
curves stands beside. A run that was stopped goes on where it stopped as long as no source has changed. The verdicts are
in build/taylor_corpus.json, what JAX said is kept in build/series_oracle.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..corpus import ORDERS
from ..harness import Bar, Context, Row, measured, unmeasured, versions
from .embed_corpus import EVERY, begun, fingerprint, listing

AREA = "taylor"
WRONG = ("wrong", "crashed")
UNITS = 4.0

Verdicts = Sequence[dict[str, Any]]


def rows(context: Context) -> list[Row]:
    """For both orders: how many are wrong, the share that is right, and that of JAX; then the values beside them."""
    from ..corpus.groups import groups
    from ..corpus.runner import measured as verdicts_of

    every = EVERY if context.quick else 1
    ids = [f"{name}/{one}" for name, part in groups().items() for one in part.denominator[::every]]
    folder = context.root / "build"
    folder.mkdir(exist_ok=True)
    state = begun(folder / "taylor_corpus.jsonl", fingerprint(context.root))
    found = verdicts_of(ids, state, "series")
    document = {"versions": versions(), "entries": [found[id_] for id_ in ids]}
    (folder / "taylor_corpus.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    made = rows_of([found[id_] for id_ in ids])
    state.unlink()
    return made


def rows_of(verdicts: Verdicts) -> list[Row]:
    """All rows from the verdicts on the entries of the corpus, those that say nothing included."""
    present = [one for one in verdicts if "orders" in one]
    dead = [one for one in verdicts if one["status"] == "crashed" and "orders" not in one]
    about = _about(verdicts, present)
    scores = [row for place, order in enumerate(ORDERS) for row in _scores(place, order, present, dead, about)]
    return [*scores, _exact(present), _close(present)]


def _about(verdicts: Verdicts, present: Verdicts) -> str:
    absent = [one for one in verdicts if one["status"] == "absent"]
    left = len(verdicts) - len(present)
    sources = Counter(one["source"].partition(":")[0] for one in present)
    return (
        f"{len(present)} of {len(verdicts)} entries have a float result and a derivative in JAX ({left} not"
        + (f", of them {len(absent)} whose package is not installed" if absent else "")
        + f"); against {listing(sources)}"
    )


def _scores(place: int, order: int, present: Verdicts, dead: Verdicts, about: str) -> list[Row]:
    """The rows of one order."""
    subject = f"the JAX corpus at Taylor order {order}"
    wrong = Bar(f"taylor/corpus/wrong_{order}", "gate", AREA, subject, "entries that are wrong", "", "<=", 0.0)
    share = Bar(f"taylor/corpus/share_{order}", "gate", AREA, subject, "share that is right", "", ">=", 0.9)
    peer = Bar(
        f"taylor/corpus/lead_{order}", "aim", AREA, subject, "right entries over those of JAX's jet", "", ">=", 1.0
    )
    if not present:
        return [unmeasured(bar, "nothing was measured") for bar in (wrong, share, peer)]
    by_status: dict[str, list[str]] = {}
    for one in present:
        verdict = one["orders"][place]
        code = verdict["code"] if verdict["status"] == "refused" else ""
        by_status.setdefault(f"{verdict['status']} {code}".strip(), []).append(_short(one))
    by_status.setdefault("crashed", []).extend(map(_short, dead))
    count = len(present) + len(dead)
    bad = [name for status in WRONG for name in by_status.get(status, [])]
    refused = [f"{status}: {', '.join(names)}" for status, names in sorted(by_status.items()) if "refused" in status]
    right = len(by_status.get("right", []))
    theirs = Counter(_kind(one["peer"][place]) for one in present)
    says = f"jax.experimental.jet: {listing(theirs)} of {count}"
    return [
        measured(wrong, float(len(bad)), samples=count, note="; ".join([about, *bad[:40]])),
        measured(share, right / count, samples=count, note="; ".join([f"{right} of {count} right", *refused])),
        measured(
            peer,
            right / max(1, theirs["right"]),
            ours=right,
            peer=theirs["right"],
            peer_name="jax.experimental.jet",
            samples=count,
            note=says,
        ),
    ]


def _kind(peer: str) -> str:
    return peer if peer in ("right", "wrong") else "error"


def _short(one: dict[str, Any]) -> str:
    return one["id"].partition("/")[2]


def _exact(present: Verdicts) -> Row:
    """Whether values beside series are the plain ones, bit for bit."""
    bar = Bar("taylor/corpus/value", "gate", AREA, "the value beside a series, reference back end",
              "entries that differ from plain evaluation in any bit", "", "<=", 0.0)  # fmt: skip
    ran = [one for one in present if one["orders"][0]["status"] == "right"]
    if not ran:
        return unmeasured(bar, "nothing was measured")
    bad = [f"{_short(one)}: {one['unequal']}" for one in ran if one["unequal"]]
    return measured(bar, float(len(bad)), samples=len(ran), note="; ".join(bad[:20]))


def _close(present: Verdicts) -> Row:
    """How far values beside series are from the plain ones under XLA."""
    bar = Bar("taylor/corpus/value_xla", "gate", AREA, "the value beside a series, under XLA",
              "units in the last place from plain evaluation, normwise", "ulp", "<=", UNITS)  # fmt: skip
    ran = [one for one in present if one["ulps"] is not None]
    if not ran:
        return unmeasured(bar, "nothing was measured")
    worst = max(ran, key=lambda one: one["ulps"])
    note = f"one entry in four; the most at {_short(worst)}"
    return measured(bar, float(worst["ulps"]), samples=len(ran), note=note)
