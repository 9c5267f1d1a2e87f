"""Plans as programs: a program of a field and a plan of its atoms enter, a program of the atoms leaves.

The levels of a jet are pushed one through the other, the innermost first, by `push`. Random lanes are inputs of the
program: whoever runs it draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.differential.atoms import read_atom
from ...lang.ir import Program, as_array
from ...lang.passes import normalise
from ...lang.sizes import Size, product, show
from .along import How, Need, Pushed, push
from .jets import EXACT, Jet, Length, Level, Reading, Scheme, Term
from .planner import choose


def partials(program: Program, variables: Sequence[str], active: Sequence[bool], atoms: Sequence[str]) -> Program:
    """The program of atoms of a field, by the cheapest exact plan.

    Args:
        program: the field; its active inputs are the variables, in order, and it has one float output.
        atoms: texts of `lang.differential.atoms`.

    Returns:
        A program whose inputs are those of `program`, then the matrices of weighted sums; one output per atom.
    """
    demanded = [read_atom(text) for text in atoms]
    places = dict(zip(variables, (k for k, flag in enumerate(active) if flag), strict=True))
    lengths = tuple((name, _length(program, place)) for name, place in places.items())
    return execute(program, choose(demanded, lengths).scheme, places)


def estimated(scheme: Scheme, draws: Draws) -> Callable[..., Program]:
    """The pass that `partials` is, for one plan of the atoms of all fields; see `lang.specialise.DerivativePass`."""

    def run(program: Program, active: Sequence[bool], *, atoms: str, variables: str) -> Program:
        places = dict(zip(variables.split(), (k for k, flag in enumerate(active) if flag), strict=True))
        wanted = set(atoms.split())
        own = tuple(reading for reading in scheme.readings if reading.atom.text in wanted)
        return execute(normalise(program), replace(scheme, readings=own), places, draws)

    return run


@dataclass(frozen=True, slots=True)
class Draws:
    """The inputs that hold random lanes, by variable, and what is read of them: their mean, lane number `chosen` (an
    input too), or the mean of all others."""

    inputs: Mapping[str, int]
    read: Literal["mean", "one", "others"] = "mean"
    chosen: int = 0

    @property
    def stacked(self) -> bool:
        """Whether every lane has a result of its own."""
        return self.read != "mean"


NONE = Draws({})


def execute(program: Program, scheme: Scheme, places: Mapping[str, int], draws: Draws = NONE) -> Program:
    """The program of the atoms of a plan for one field.

    `places` says which input each variable is, `draws` what becomes of random lanes.
    """
    weighted = {
        atom.order: atom.variable for atom in (reading.atom for reading in scheme.readings) if atom.kind == "weighted"
    }
    matrices = [as_array(program.inputs[places[weighted[number]]]) for number in sorted(weighted)]
    types = [type_.with_shape(type_.shape * 2) for type_ in matrices]
    b = Builder(program.name, [*program.inputs, *types], program.sizes)
    count = len(program.inputs)
    base = b.build(b.inline(program, range(count)))
    places_of_matrices = range(count, count + len(types))
    b = Builder(program.name, base.inputs, program.sizes)
    found: Coefficients = {}
    for number, jet in enumerate(scheme.jets):
        needed = _needed(scheme, number, draws)
        if not needed:
            continue
        pushed, labels = _pushed(base, jet, places, places_of_matrices, needed, draws)
        slots = b.inline(pushed, range(len(base.inputs)))
        found |= {(number, label): slot for label, slot in zip(labels, slots, strict=True)}
    return b.build([_read(b, reading, found, scheme, draws) for reading in scheme.readings])


Label = tuple[Need, ...]
Coefficients = dict[tuple[int, Label], int]


def _needed(scheme: Scheme, number: int, draws: Draws) -> list[Label]:
    """The coefficients of a jet that are read."""
    terms = [
        _label(term, scheme.jets[number], _stacks(reading), draws)
        for reading in scheme.readings
        for entry in reading.entries
        for term in entry
        if term.jet == number
    ]
    return list(dict.fromkeys(terms))


def _label(term: Term, jet: Jet, stacked: bool, draws: Draws) -> Label:
    """A multi-index per level, and what becomes of its lanes."""
    return tuple((index, _how(level, stacked, draws)) for index, level in zip(term.index, jet.levels, strict=True))


def _how(level: Level, stacked: bool, draws: Draws) -> How:
    if level.lanes is None:
        return "plain"
    return "stack" if (stacked if level.lanes.law in EXACT else draws.stacked) else "sum"


def _pushed(
    base: Program,
    jet: Jet,
    places: Mapping[str, int],
    matrices: Sequence[int],
    labels: Sequence[Label],
    draws: Draws,
) -> tuple[Program, list[Label]]:
    """The program of all coefficients that are needed, and some that come with them, with a label for each output."""
    pushed = Pushed(base)
    outputs: list[Label] = [()]
    for depth, level in reversed(list(enumerate(jet.levels))):
        needs = list(dict.fromkeys(label[depth] for label in labels))
        again = depth > 0 and jet.levels[depth - 1] == level and level.is_laplacian
        pushed = push(pushed.program, level, places, matrices, needs, draws.inputs, pushed.twins, again)
        outputs = [(need, *label) for need in needs for label in outputs]
    return pushed.program, outputs


def _stacks(reading: Reading) -> bool:
    """Whether the lanes of a reading are the axes of its atom."""
    return reading.atom.rank > 0 and len(reading.entries) == 1


def _read(b: Builder, reading: Reading, found: Coefficients, scheme: Scheme, draws: Draws) -> int:
    entries = [_sum(b, terms, found, scheme, _stacks(reading), draws) for terms in reading.entries]
    if len(entries) == 1:
        return entries[0]
    (length,) = {length for name, length in scheme.variables if name == reading.atom.variable}
    assert isinstance(length, int)
    lifted = [b.apply("reshape", slot, shape=(1,)) for slot in entries]
    return b.apply("reshape", b.apply("concat", *lifted, axis=0), shape=(length,) * reading.atom.rank)


def _sum(
    b: Builder, terms: Sequence[Term], found: Coefficients, scheme: Scheme, stacked: bool, draws: Draws
) -> int:
    total: int | None = None
    for term in terms:
        jet = scheme.jets[term.jet]
        slot, factor = found[(term.jet, _label(term, jet, stacked, draws))], term.factor
        variable = next((lanes.variable for lanes in jet.random), None)
        if variable is not None:
            slot, share = _lane(b, slot, draws, as_array(b.inputs[draws.inputs[variable]]).shape[0])
            factor *= share * _polynomial(term, dict(scheme.variables)[variable])
        if factor != Fraction(1):
            slot = b.apply("mul", slot, b.full(float(factor), b.array_type(slot)))
        total = slot if total is None else b.apply("add", total, slot)
    assert total is not None
    return total


def _lane(b: Builder, slot: int, draws: Draws, count: Size) -> tuple[int, Fraction]:
    """What is read of a coefficient along random lanes, but for a factor."""
    assert isinstance(count, int)
    if not draws.stacked:
        return slot, Fraction(1, count)
    one = b.apply("gather", slot, draws.chosen, proved=True)
    if draws.read == "one":
        return one, Fraction(1)
    return b.apply("sub", b.apply("reduce_sum", slot, axes=(0,)), one), Fraction(1, count - 1)


def _polynomial(term: Term, length: Length) -> int:
    """What a random law multiplies a term by, at a known length."""
    if not isinstance(length, int):
        raise InternalError("an estimate runs at known lengths")
    return sum(value * length**power for power, value in enumerate(term.times))


def _length(program: Program, place: int) -> Length:
    shape = as_array(program.inputs[place]).shape
    size = product(shape)
    return None if not shape else size if isinstance(size, int) else show(size)
