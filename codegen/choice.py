"""Which compiled back end suits a program: a first-order program of known sizes enters, a name and the reason leave.

XLA hands products of large matrices, convolutions and factorisations to libraries that keep blocks of them in caches.
Native code writes loops, which is faster for all other work and for small matrices. So what counts is the share of
*matrix work* among the operations: work over three axes each of which is long.
"""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from ..ad.cost import flops
from ..lang import primitives
from ..lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Program, Step, as_array
from ..lang.primitives.costs import letter_sizes

# Measured on one core in f64. Both multiply matrices at one speed up to 256 a side. Factorisations, convolutions and
# products in loops take as long in both at 64 a side; at 128 XLA takes half the time.
SIDE, SIDE_OF_PRODUCTS = 64, 256
SHARE = 0.5


def preferred(program: Program) -> tuple[str, str]:
    """The back end that should be faster, `xla` or `llvm`, and why.

    >>> from pushforward.lang.builder import body
    >>> square = lambda n: [ArrayType("f64", (n, n))]
    >>> product = lambda b, x: [b.apply("einsum", x[0], x[0], spec="ij,jk->ik")]
    >>> preferred(body("small", square(10), product))
    ('llvm', '1900 operations, 0 % of them on large matrices')
    >>> preferred(body("large", square(300), product))
    ('xla', '53910000 operations, 100 % of them on large matrices')
    """
    if on_accelerator():
        return "xla", "JAX has an accelerator"
    total = flops(program)
    share = matrix_work(program) / max(1, total)
    why = f"{total} operations, {100 * share:.0f} % of them on large matrices"
    return ("xla" if share > SHARE else "llvm"), why


def on_accelerator() -> bool:
    """Whether JAX, where it is in use already, computes on something other than the processor."""
    jax: Any = sys.modules.get("jax")
    return jax is not None and jax.default_backend() != "cpu"


def matrix_work(program: Program, long_loops: int = 0) -> int:
    """Operations of matrix work, in a body under so many parallel loops of at least `SIDE` rounds."""
    return sum(_of_step(program, step, long_loops) for step in program.steps)


def _of_step(program: Program, step: Step, long_loops: int) -> int:
    match step.op:
        case Apply() as op:
            side = SIDE_OF_PRODUCTS if op.primitive == "einsum" and not long_loops else SIDE
            axes = _long_axes(op, tuple(as_array(program.types[slot]) for slot in step.operands), side)
            return _flops(op, program, step) if axes and axes + long_loops >= 3 else 0
        case Each(size=size, body=body) if isinstance(size, int):
            inside = long_loops + (size >= SIDE)
            only_products = all(isinstance(s.op, Apply) and s.op.primitive == "mul" for s in body.steps)
            if only_products and size >= SIDE and inside >= 3:
                return size * (flops(body) + len(step.types))
            return size * matrix_work(body, inside)
        case Fold(size=size, body=body) if isinstance(size, int):
            return size * matrix_work(body, long_loops)
        case Branch(arms):
            return max(matrix_work(arm, long_loops) for arm in arms)
        case Call(inner):
            return matrix_work(inner, long_loops)
        case _:
            return 0


def _flops(op: Apply, program: Program, step: Step) -> int:
    operands = tuple(as_array(program.types[slot]) for slot in step.operands)
    count = primitives.flops(op.primitive, operands, tuple(map(as_array, step.types)), op.params)
    return count if isinstance(count, int) and operands[0].is_float else 0


def _long_axes(op: Apply, operands: tuple[ArrayType, ...], side: int) -> int:
    """How many of the three axes of matrix work are long: rows, columns, and those that are summed over."""
    shapes = [tuple(size for size in type_.shape if isinstance(size, int)) for type_ in operands]
    match op.primitive:
        case "cholesky" | "symmetric_cholesky" | "solve" | "logdet" | "lu":
            axes = shapes[0][-1:] * 3
        case "triangular_solve":
            axes = (*shapes[0][-2:], *shapes[1][-1:])
        case "conv":
            lanes, (outputs, *window) = shapes[0], shapes[1]
            axes = (lanes[0] * prod(lanes[2:]), prod(window), outputs)
        case "einsum":
            axes = _axes_of_einsum(str(op["spec"]), operands)
        case _:
            axes = ()
    return sum(size >= side for size in axes)


def _axes_of_einsum(spec: str, operands: tuple[ArrayType, ...]) -> tuple[int, ...]:
    """Letters that stand in the same terms are one axis; those that stand in all terms are no axis but a batch."""
    terms = spec.replace("->", ",").split(",")
    axes: dict[tuple[bool, ...], int] = {}
    for letter, size in letter_sizes(spec, operands).items():
        where = tuple(letter in term for term in terms)
        if isinstance(size, int) and not all(where):
            axes[where] = axes.get(where, 1) * size
    return tuple(axes.values())
