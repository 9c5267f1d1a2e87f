"""Plans as programs: a program of a field and a plan of its atoms enter, a program of the atoms leaves.

The levels of a jet are pushed one through the other, the innermost first, by `push`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ...lang.builder import Builder
from ...lang.differential.atoms import read_atom
from ...lang.ir import Program, as_array
from ...lang.sizes import product, show
from .along import How, Need, push
from .jets import Jet, Length, Reading, Scheme, Term
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


def execute(program: Program, scheme: Scheme, places: Mapping[str, int]) -> Program:
    """The program of the atoms of a plan for one field; `places` says which input each variable is."""
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
        pushed, labels = _pushed(base, jet, places, places_of_matrices, _needed(scheme, number))
        slots = b.inline(pushed, range(len(base.inputs)))
        found |= {(number, label): slot for label, slot in zip(labels, slots, strict=True)}
    return b.build([_read(b, reading, found, scheme) for reading in scheme.readings])


Label = tuple[Need, ...]
Coefficients = dict[tuple[int, Label], int]


def _needed(scheme: Scheme, number: int) -> list[Label]:
    """The coefficients of a jet that are read."""
    terms = [
        _label(term, scheme.jets[number], _stacks(reading))
        for reading in scheme.readings
        for entry in reading.entries
        for term in entry
        if term.jet == number
    ]
    return list(dict.fromkeys(terms))


def _label(term: Term, jet: Jet, stacked: bool) -> Label:
    """A multi-index per level, and what becomes of its lanes."""
    hows: list[How] = ["plain" if level.lanes is None else "stack" if stacked else "sum" for level in jet.levels]
    return tuple(zip(term.index, hows, strict=True))


def _pushed(
    base: Program, jet: Jet, places: Mapping[str, int], matrices: Sequence[int], labels: Sequence[Label]
) -> tuple[Program, list[Label]]:
    """The program of all coefficients that are needed, and some that come with them, with a label for each output."""
    program = base
    outputs: list[Label] = [()]
    for depth, level in reversed(list(enumerate(jet.levels))):
        needs = list(dict.fromkeys(label[depth] for label in labels))
        program = push(program, level, places, matrices, needs)
        outputs = [(need, *label) for need in needs for label in outputs]
    return program, outputs


def _stacks(reading: Reading) -> bool:
    """Whether the lanes of a reading are the axes of its atom."""
    return reading.atom.rank > 0 and len(reading.entries) == 1


def _read(b: Builder, reading: Reading, found: Coefficients, scheme: Scheme) -> int:
    entries = [_sum(b, terms, found, scheme, _stacks(reading)) for terms in reading.entries]
    if len(entries) == 1:
        return entries[0]
    (length,) = {length for name, length in scheme.variables if name == reading.atom.variable}
    assert isinstance(length, int)
    lifted = [b.apply("reshape", slot, shape=(1,)) for slot in entries]
    return b.apply("reshape", b.apply("concat", *lifted, axis=0), shape=(length,) * reading.atom.rank)


def _sum(b: Builder, terms: Sequence[Term], found: Coefficients, scheme: Scheme, stacked: bool) -> int:
    total: int | None = None
    for term in terms:
        slot = found[(term.jet, _label(term, scheme.jets[term.jet], stacked))]
        if term.factor != Fraction(1):
            slot = b.apply("mul", slot, b.full(float(term.factor), b.array_type(slot)))
        total = slot if total is None else b.apply("add", total, slot)
    assert total is not None
    return total


def _length(program: Program, place: int) -> Length:
    shape = as_array(program.inputs[place]).shape
    size = product(shape)
    return None if not shape else size if isinstance(size, int) else show(size)
