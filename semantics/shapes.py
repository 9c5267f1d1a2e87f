"""Sizes from arguments: input types and the shapes given enter, the values of the size variables leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..lang.diagnostics import fail
from ..lang.ir import ArrayType, SlotType
from ..lang.sizes import Poly, Size, show, substitute, variables


def solve_sizes(
    names: Sequence[str],
    inputs: Sequence[SlotType],
    shapes: Sequence[tuple[int, ...] | None],
    given: Mapping[str, int],
) -> dict[str, int]:
    """The value of every size variable in `names`; E106 when one is unknown, negative or contradicts another.

    `shapes` has None for inputs that are not arrays.

    >>> from ..lang.sizes import variable
    >>> solve_sizes(("n",), (ArrayType("f64", (variable("n"),)),), ((4,),), {})
    {'n': 4}
    """
    known = dict(given)
    equations: list[tuple[Size, int]] = []
    for type_, shape in zip(inputs, shapes, strict=True):
        if isinstance(type_, ArrayType) and shape is not None:
            if len(shape) != type_.rank:
                raise fail(
                    "E105",
                    "an argument has the wrong number of axes",
                    expected=str(type_),
                    actual=str(shape),
                    hint=f"give an array of {type_.rank} axes",
                )
            equations += zip(type_.shape, shape, strict=True)
    while _learn(equations, known):
        pass
    _check(equations, known)
    missing = [name for name in names if name not in known]
    if missing:
        raise fail("E106", f"no argument says how large `{missing[0]}` is", hint=f"give {missing[0]} by name")
    return {name: known[name] for name in names}


def _learn(equations: Sequence[tuple[Size, int]], known: dict[str, int]) -> bool:
    """Solve one equation that is linear in its last unknown variable."""
    for size, value in equations:
        left = substitute(size, known)
        if not isinstance(left, Poly) or len(variables(left)) != 1:
            continue
        solution = _solve_linear(left, value)
        if solution is not None:
            known[next(iter(variables(left)))] = solution
            return True
    return False


def _solve_linear(size: Poly, value: int) -> int | None:
    slope, offset = 0, 0
    for monomial, count in size.terms:
        if monomial == ():
            offset = count
        elif len(monomial) == 1 and monomial[0][1] == 1:
            slope = count
        else:
            return None
    quotient, remainder = divmod(value - offset, slope)
    return quotient if remainder == 0 else None


def _check(equations: Sequence[tuple[Size, int]], known: Mapping[str, int]) -> None:
    for name, value in known.items():
        if value < 0:
            raise fail("E106", f"the size `{name}` would be {value}", hint="sizes are zero or more: give longer arrays")
    for size, value in equations:
        wanted = substitute(size, known)
        if isinstance(wanted, int) and wanted != value:
            reason = "" if isinstance(size, int) else f" (it is {show(size)})"
            raise fail(
                "E106",
                "the arguments disagree about a size",
                expected=f"{wanted}{reason}",
                actual=str(value),
                hint="axes with one size name have one length",
            )
