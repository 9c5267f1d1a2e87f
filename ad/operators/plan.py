"""Plans as people see them: an operator's record and a scheme, with cost, text, JSON and certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...lang.diagnostics import fail
from .certificate import certificate
from .cost import Cost, cost, counted
from .jets import Index, Jet, Level, Reading, Scheme, Seed, Term, digest
from .planner import Candidate

IN_REVERSE = ", by one reverse pass (coordinate by coordinate where a field has rules for forward mode only)"


@dataclass(frozen=True, eq=False)
class Plan:
    """How the derivatives of an operator are taken: the jets pushed through its fields, and what is read from them.

    Made by `Operator.plan`, or by hand from the record of an operator and a `Scheme`. Equal plans have equal content.
    `candidates` are the ways that were considered.
    """

    operator: Mapping[str, Any] = field(repr=False)
    scheme: Scheme = field(repr=False)
    candidates: tuple[Candidate, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """How the derivatives are taken, in a few words."""
        return self.scheme.kind

    @property
    def exact(self) -> bool:
        """Whether it gives the derivatives themselves, and not estimates."""
        return self.scheme.exact

    @cached_property
    def cost(self) -> Cost:
        """Vectors carried through linear layers, and products at a bilinear node."""
        return cost(self.scheme)

    @property
    def vectors(self) -> Any:
        """Vectors carried through linear layers: a number, or a polynomial in open sizes."""
        return self.cost.vectors

    @property
    def products(self) -> Any:
        """Products at a bilinear node: a number, or a polynomial in open sizes."""
        return self.cost.products

    @cached_property
    def digest(self) -> str:
        """A hash of the content, stable between processes."""
        return digest([dict(self.operator), self.scheme.to_json()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def to_json(self) -> dict[str, Any]:
        """Operator, scheme and cost as JSON data."""
        return {
            "schema": 1,
            "operator": dict(self.operator),
            "plan": self.scheme.to_json(),
            "vectors": str(self.vectors),
            "products": str(self.products),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The plan of JSON data, as `to_json` or a certificate gives it; E222 when it is none."""
        try:
            return cls(dict(data["operator"]), Scheme.from_json(data["plan"]))
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            hint = "`plan.to_json()` shows what one looks like"
            raise fail("E222", f"this is no plan: {type(error).__name__}: {error}", hint=hint) from None

    def certificate(self) -> dict[str, Any]:
        """The certificate of the plan, as JSON data that `pf.recheck` and `pf verify` check."""
        return certificate(self.operator, self.scheme)

    def text(self) -> str:
        """The plan for people: jets, readings, cost, and why other ways were not taken."""
        return "\n".join(_lines(self))

    def __str__(self) -> str:
        return self.text()


def _lines(plan: Plan) -> list[str]:
    lines = [f"{plan.kind}: {plan.cost}, memory of {counted(plan.vectors, 'layer')}"]
    for number, jet in enumerate(plan.scheme.jets):
        in_reverse = jet.levels[-1].is_gradient
        levels = [*map(_level, jet.levels[:-1]), _level(jet.levels[-1]) + (IN_REVERSE if in_reverse else "")]
        lines.append(f"  jet {number} of {jet.field}: " + ", through ".join(levels))
    for reading in plan.scheme.readings:
        lines += [f"    {name} = {value}" for name, value in _reading(reading, plan.scheme.jets)]
    others = [item for item in plan.candidates if item.why_not]
    if others:
        lines.append("  not taken:")
        lines += [
            f"    {item.name}: {item.why_not}" + (f" ({item.cost})" if item.cost is not None else "") for item in others
        ]
    return lines


def _level(level: Level) -> str:
    moves: dict[str, list[str]] = {}
    for seed in level.seeds:
        moves.setdefault(seed.variable, []).append(_seed(seed))
    curve = ", ".join(f"{name} + {' + '.join(parts)}" for name, parts in moves.items()) or "the point itself"
    kept = " ".join("".join(map(str, index)) if max(index, default=0) < 10 else str(index) for index in level.indices)
    text = f"{curve}, kept at {kept}" if any(map(any, level.indices)) else curve
    if level.lanes is None:
        return text
    lanes = level.lanes
    law = f"every coordinate i of {lanes.variable}"
    if lanes.law != "coordinates":
        law = f"{lanes.count} {lanes.law} lanes over {lanes.variable}"
    return f"{text}, for {law}" + (", highest order summed" if level.collapsed else "")


def _seed(seed: Seed) -> str:
    scale = "" if seed.scale == 1 else f"{seed.scale} "
    monomial = " ".join(
        f"{'abcdefgh'[place % 8]}{f'^{power}' if power > 1 else ''}" for place, power in enumerate(seed.index) if power
    )
    direction = {"one": "", "lane": "e_i ", "image": f"C{seed.number} e_i ", "unit": f"e_{seed.number} "}[
        seed.direction
    ]
    return f"{scale}{direction}{monomial}"


def _reading(reading: Reading, jets: tuple[Jet, ...]) -> list[tuple[str, str]]:
    names = [str(reading.atom)]
    if len(reading.entries) > 1:
        names = [f"{reading.atom}[{number}]" for number in range(len(reading.entries))]
    kept = reading.atom.rank > 0
    return [
        (name, " + ".join(_term(term, jets[term.jet], kept) for term in terms) or "0")
        for name, terms in zip(names, reading.entries, strict=True)
    ]


def _term(term: Term, jet: Jet, kept: bool) -> str:
    indices = ",".join("".join(map(str, index)) or "0" for index in term.index)
    laws = {level.lanes.law for level in jet.levels if level.lanes is not None}
    over = "" if not laws or kept else "sum " if laws == {"coordinates"} else "mean "
    times = "" if term.times == (1,) else f"{_polynomial(term.times)} "
    factor = "" if term.factor == 1 else f"{term.factor} "
    return f"{factor}{times}{over}c{term.jet}[{indices}]"


def _polynomial(times: Index) -> str:
    parts = [
        "*".join([*([str(value)] if value != 1 or not power else []), *["n"] * power])
        for power, value in enumerate(times)
        if value
    ]
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"
