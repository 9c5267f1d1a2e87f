"""The program of an estimate: fields in one program and a plan with random lanes enter, a program of the lanes leaves.

Its inputs are those of the fields: hidden ones, one array of lanes per random variable, the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from .ad.operators.execute import Draws, estimated
from .ad.operators.jets import Scheme
from .ad.vmap import vmap
from .lang.builder import Builder
from .lang.ir import ArrayType, Program, Signature, as_array
from .lang.memo import memo
from .lang.passes import normalise
from .lang.substitute import substitute_sizes
from .lang.types import Scalar, Tuple, array
from .semantics.shapes import solve_sizes

if TYPE_CHECKING:
    from ._operator import Operator

Read = Literal["mean", "one", "others"]


def at_lengths(joint: Program, shapes: Sequence[tuple[int, ...]]) -> Program:
    """The program at the lengths of a point, which is its last inputs."""
    return substitute_sizes(joint, solve_sizes(joint.sizes, joint.inputs[-len(shapes) :], shapes, {}))


@memo(maxsize=128)
def program(
    operator: Operator, joint: Program, scheme: Scheme, random: tuple[str, ...], reads: tuple[Read, ...]
) -> Program:
    """The operator on random lanes.

    Args:
        joint: fields and parameters as outputs; its inputs are hidden arrays, the lanes over the variables `random`,
            and the point, at known sizes.
        scheme: the plan of the atoms of all fields.
        reads: what is computed, an output each: ``mean``, the operator at the mean of the lanes, whose highest orders
            are summed as they go; ``one``, the operator on every lane alone; ``others``, the operator at the mean of
            all lanes but one, for every lane.
    """
    first = len(joint.inputs) - len(scheme.variables) - len(random)
    count = as_array(joint.inputs[first]).shape[0]
    b = Builder(joint.name, joint.inputs)
    outputs: list[int] = []
    for read in reads:
        inner = _with_choice(joint)
        draws = Draws({name: 1 + first + place for place, name in enumerate(random)}, read)
        applied = operator.of_joint(inner, {"partials": estimated(scheme, draws)}).ir
        chosen = b.constant(0, "i64")
        if read != "mean":
            applied = vmap(applied, (True, *(False for _ in joint.inputs)), count)
            chosen = b.apply("iota", size=count)
        outputs += b.inline(applied, [chosen, *range(len(joint.inputs))])
    return normalise(b.build(outputs, _signature(joint, b, outputs, first)))


def _with_choice(joint: Program) -> Program:
    """The program with the number of a lane in front of its inputs."""
    b = Builder(joint.name, [ArrayType("i64"), *joint.inputs])
    return b.build(b.inline(joint, range(1, len(b.inputs))))


def _signature(joint: Program, b: Builder, outputs: Sequence[int], first: int) -> Signature:
    """Names that nobody sees: lanes and point are arguments, in order."""
    given = [array(as_array(slot).shape, Scalar(as_array(slot).dtype)) for slot in joint.inputs[first:]]
    types = [b.array_type(slot) for slot in outputs]
    results: Any = tuple(array(type_.shape, Scalar(type_.dtype)) for type_ in types)
    return Signature(tuple((f"x{place}", type_) for place, type_ in enumerate(given)), Tuple(results))
