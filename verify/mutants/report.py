"""What a run came to: mutants and verdicts enter; a table to print, a section of a page and an exit code leave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .equivalent import EQUIVALENT
from .mutant import Mutant
from .runner import Verdict

WANTED = 0.98
START = "<!-- mutants: python -m pushforward.verify.mutants --markdown docs/trust.md writes from here -->"
END = "<!-- mutants: to here -->"


@dataclass(frozen=True)
class Row:
    """One operator: its mutants, those noticed, those that are equivalent, and the check that noticed most first."""

    operator: str
    mutants: int
    noticed: int
    equivalent: int
    killer: str


@dataclass(frozen=True)
class Report:
    """A run as a whole; `stale` lists excuses that a whole run did not need."""

    rows: tuple[Row, ...]
    unnoticed: tuple[str, ...]
    excused: Mapping[str, str]
    stale: tuple[str, ...]
    seconds: float
    workers: int

    @property
    def mutants(self) -> int:
        return sum(row.mutants for row in self.rows)

    @property
    def noticed(self) -> int:
        return sum(row.noticed for row in self.rows)

    @property
    def score(self) -> float:
        """Noticed mutants of those that are not equivalent."""
        count = self.mutants - len(self.excused)
        return self.noticed / count if count else 1.0

    @property
    def code(self) -> int:
        """The exit code: 1 when too few mutants were noticed or an excuse is out of date."""
        return 0 if self.score >= WANTED and not self.stale else 1

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'operator':30}{'mutants':>9}{'noticed':>9}  first noticed most often by"
        for row in self.rows:
            yield f"{row.operator:30}{row.mutants:9}{row.noticed:9}  {row.killer}"
        yield (
            f"{self.mutants} mutants, {self.noticed} noticed, {len(self.excused)} equivalent, "
            f"{len(self.unnoticed)} unnoticed: {100 * self.score:.1f} % in {self.seconds:.0f} s"
        )
        yield from (f"unnoticed: {name}" for name in self.unnoticed)
        yield from (f"no longer needed in the table of equivalent mutants: {name}" for name in self.stale)


def report(
    mutants: Sequence[Mutant], verdicts: Sequence[Verdict], seconds: float, workers: int, *, whole: bool
) -> Report:
    """Sum up the verdicts of a run; `whole` says that every mutant was in it."""
    survivors = {mutants[v.mutant].name for v in verdicts if v.killer is None}
    return Report(
        tuple(_rows(mutants, verdicts)),
        tuple(sorted(survivors - EQUIVALENT.keys())),
        {name: reason for name, reason in EQUIVALENT.items() if name in survivors},
        tuple(sorted(EQUIVALENT.keys() - survivors)) if whole else (),
        seconds,
        workers,
    )


def _rows(mutants: Sequence[Mutant], verdicts: Sequence[Verdict]) -> Iterator[Row]:
    table: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        table[mutants[verdict.mutant].operator].append(verdict)
    for operator, own in sorted(table.items()):
        killers = Counter(v.killer for v in own if v.killer is not None)
        equivalent = sum(v.killer is None and mutants[v.mutant].name in EQUIVALENT for v in own)
        best = killers.most_common(1)[0][0] if killers else "-"
        yield Row(operator, len(own), sum(killers.values()), equivalent, best)


# --- the section of a page -------------------------------------------------------------------------------------------


NOT_RECORDED = "A whole run of the mutants as they are now is not recorded here."


def write_section(page: Path, found: Report | None) -> None:
    """Replace what stands between the two marks of a page; without a report it lists the excuses alone."""
    text = page.read_text("utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    section = _excuses() if found is None else _section(found)
    page.write_text(f"{before}{START}\n{section}{END}{after}", encoding="utf-8")


def _section(found: Report) -> str:
    lines = [
        f"There are {found.mutants:,} mutants. In the last whole run {found.noticed:,} were noticed, "
        f"{len(found.excused)} mean the same as the sound program and {len(found.unnoticed)} went unnoticed: "
        f"{100 * found.score:.1f} % of those that differ, in {found.seconds:.0f} seconds with {found.workers} workers.",
        "",
        "| operator | mutants | noticed | equivalent | first noticed most often by |",
        "|---|--:|--:|--:|---|",
        *(f"| {r.operator} | {r.mutants} | {r.noticed} | {r.equivalent} | {_cell(r.killer)} |" for r in found.rows),
        "",
    ]
    if found.unnoticed:
        lines += ["Unnoticed:", "", *(f"- {_code(name)}" for name in found.unnoticed), ""]
    return "\n".join([*lines, *_listed(found.excused), ""])


def _excuses() -> str:
    return "\n".join([NOT_RECORDED, "", *_listed(EQUIVALENT), ""])


def _listed(excused: Mapping[str, str]) -> list[str]:
    reasons = [f"- {_code(name)}: {reason}" for name, reason in sorted(excused.items())]
    return ["These mean the same as the sound program:", "", *reasons]


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
