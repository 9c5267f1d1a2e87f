"""The row of `einsum`: products of arrays summed over shared letters, which holds every matrix product."""

from __future__ import annotations

from . import costs, type_rules
from .row import Linear, Primitive, RuleContext
from .type_rules import parse_spec


def _einsum(context: RuleContext, z: int, operand: int) -> int:
    """The other operands and the cotangent, summed to the operand's letters.

    Letters that stand in this operand alone were summed over; the cotangent repeats along them.
    """
    terms, result = parse_spec(str(context.param("spec")))
    others = [k for k in range(len(terms)) if k != operand]
    known = set(result).union(*(terms[k] for k in others))
    term = terms[operand]
    reachable = "".join(letter for letter in term if letter in known)
    spec = ",".join([*(terms[k] for k in others), result]) + "->" + reachable
    slots = [context.operands[k] for k in others]
    part = context.builder.apply("einsum", *slots, z, spec=spec)
    shape = context.type(context.operands[operand]).shape
    return context.builder.broadcast(part, shape, tuple(term.index(letter) for letter in reachable))


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="einsum",
        type="([…]n, …) -> […]n",
        derivative=Linear(_einsum),
        doc="The product of the operands with one letter per axis, summed over letters absent from the result.",
        flops=costs.einsum,
        params=("spec",),
        elementwise=False,
        type_rule=type_rules.einsum,
    ),
)
