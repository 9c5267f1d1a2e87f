"""Recognition of contractions: a program without `Each` enters, one whose sums of products are einsums leaves.

A sum over a product of broadcasts never builds the product: ``reduce_sum(mul(broadcast a, broadcast b))`` is a matrix
product whenever a and b each have an axis of their own. Reads and writes at known places become slices and
transpositions. The passes that follow see matrix products where the source had nested loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Apply, Program, Step
from ...lang.passes.walk import rebuild
from ...lang.sizes import product
from .places import gather_at, scatter_add_at
from .scatters import take_apart
from .sums import Factor, count_of, letters_inside, sum_of
from .tables import read_instead


@lru_cache(maxsize=1024)
def contract(program: Program) -> Program:
    """The program with sums of products as einsums and known places as slices, in bodies too."""
    return rebuild(program, contract, _contracted)


def _contracted(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    found = _apply(b, step.op, tuple(operands)) if isinstance(step.op, Apply) else None
    return None if found is None else (found,)


def _apply(b: Builder, op: Apply, x: tuple[int, ...]) -> int | None:
    match op.primitive:
        case "gather":
            return gather_at(b, op, x[0], x[1:])
        case "scatter_add":
            known = scatter_add_at(b, op, x[0], x[1], x[2:])
            if known is not None or len(x) < 3:
                return known
            parts = take_apart(b, op, x[0], x[1], x[2:])
            return parts if parts is not None else read_instead(b, x[0], x[1], x[2:])
        case "reduce_sum":
            return sum_of(b, x[0], op.integers("axes"))
        case "einsum":
            return _tidy_einsum(b, str(op["spec"]), x)
        case _:
            return None


def _tidy_einsum(b: Builder, spec: str, x: tuple[int, ...]) -> int | None:
    """Take broadcasts and transpositions off the operands of an einsum."""
    inputs, output = spec.split("->")
    terms = inputs.split(",")
    sizes = {
        letter: size
        for term, slot in zip(terms, x, strict=True)
        for letter, size in zip(term, b.array_type(slot).shape, strict=True)
    }
    bare = [_bare(b, slot, term) for term, slot in zip(terms, x, strict=True)]
    if all(factor.slot == slot for factor, slot in zip(bare, x, strict=True)):
        return None
    present = set("".join(factor.letters for factor in bare))
    repeated = [letter for letter in sizes if letter not in present and letter not in output]
    kept = "".join(letter for letter in output if letter in present)
    slot = b.apply("einsum", *(f.slot for f in bare), spec=",".join(f.letters for f in bare) + "->" + kept)
    if repeated:
        count = product(tuple(sizes[letter] for letter in repeated))
        slot = b.apply("mul", slot, count_of(b, count, b.array_type(slot).dtype))
    return b.broadcast(slot, tuple(sizes[letter] for letter in output), tuple(output.index(c) for c in kept))


def _bare(b: Builder, slot: int, letters: str) -> Factor:
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive not in ("broadcast", "transpose"):
        return Factor(slot, letters)
    return _bare(b, step.operands[0], letters_inside(step.op, letters))
