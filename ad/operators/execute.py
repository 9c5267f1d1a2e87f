"""Plans as programs: a program of a field and a plan of its atoms enter, a program of the atoms leaves.

The levels of a jet are pushed one through the other, the innermost first, by `push`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...lang.builder import Builder
from ...lang.differential.atoms import read_atom
from ...lang.ir import Program, as_array
from ...lang.sizes import product, show
from .jets import Index, Jet, Length, Reading, Scheme, Term
from .nested import How, push
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
    own = _Run(base, scheme, places, range(count, count + len(types)))
    b = Builder(program.name, base.inputs, program.sizes)
    coefficients = {number: own.coefficients(b, number) for number in range(len(scheme.jets))}
    return b.build([_read(b, reading, coefficients, scheme) for reading in scheme.readings])


@dataclass(frozen=True, slots=True)
class _Run:
    """A plan being run: the field with matrices as further inputs."""

    base: Program
    scheme: Scheme
    places: Mapping[str, int]
    matrices: Sequence[int]

    def coefficients(self, b: Builder, number: int) -> dict[tuple[int, tuple[Index, ...], bool], int]:
        """The coefficients of one jet that are read, by index and whether lanes are stacked."""
        needed: dict[tuple[tuple[Index, ...], bool], None] = {}
        for reading in self.scheme.readings:
            for terms in reading.entries:
                needed.update({(term.index, _stacks(reading)): None for term in terms if term.jet == number})
        return {
            (number, index, stacked): self._pushed(b, self.scheme.jets[number], index, stacked)
            for index, stacked in needed
        }

    def _pushed(self, b: Builder, jet: Jet, index: tuple[Index, ...], stacked: bool) -> int:
        program = self.base
        for level, part in zip(reversed(jet.levels), reversed(index), strict=True):
            how: How = "plain" if level.lanes is None else "stack" if stacked else "sum"
            program = push(program, level, self.places, self.matrices, [(part, how)])
        (slot,) = b.inline(program, range(len(program.inputs)))
        return slot


def _stacks(reading: Reading) -> bool:
    """Whether the lanes of a reading are the axes of its atom."""
    return reading.atom.rank > 0 and len(reading.entries) == 1


def _read(
    b: Builder,
    reading: Reading,
    coefficients: Mapping[int, Mapping[tuple[int, tuple[Index, ...], bool], int]],
    scheme: Scheme,
) -> int:
    entries = [_sum(b, terms, coefficients, _stacks(reading)) for terms in reading.entries]
    if len(entries) == 1:
        return entries[0]
    (length,) = {length for name, length in scheme.variables if name == reading.atom.variable}
    assert isinstance(length, int)
    lifted = [b.apply("reshape", slot, shape=(1,)) for slot in entries]
    return b.apply("reshape", b.apply("concat", *lifted, axis=0), shape=(length,) * reading.atom.rank)


def _sum(
    b: Builder,
    terms: Sequence[Term],
    coefficients: Mapping[int, Mapping[tuple[int, tuple[Index, ...], bool], int]],
    stacked: bool,
) -> int:
    total: int | None = None
    for term in terms:
        slot = coefficients[term.jet][(term.jet, term.index, stacked)]
        if term.factor != Fraction(1):
            slot = b.apply("mul", slot, b.full(float(term.factor), b.array_type(slot)))
        total = slot if total is None else b.apply("add", total, slot)
    assert total is not None
    return total


def _length(program: Program, place: int) -> Length:
    shape = as_array(program.inputs[place]).shape
    size = product(shape)
    return None if not shape else size if isinstance(size, int) else show(size)
