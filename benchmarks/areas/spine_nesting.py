"""The cost of the gradient of generated loop nests: a depth from 1 to 5 enters, a row per depth leaves.

Every level does work before and after the level inside it (an imperfect nest), where a derivative that re-runs inner
levels would cost a factor per level.
"""

from __future__ import annotations

from collections.abc import Callable

import pushforward as pf
from pushforward.ad.derive import cost

from ..harness import Bar, Context, Row, measured
from .spine_entries import float_slots

AREA = "spine"
SIZES = {1: 400, 2: 24, 3: 9, 4: 6, 5: 5}
ARRAY_TARGET, SCALAR_TARGET = 4.0, 5.0
Level = Callable[[int, str, str], str]


def _sum(level: int, above: str, inner: str) -> str:
    return (
        f"sum(for i{level} < n =>\n let a{level} = sin(x[i{level}] + {above})\n"
        f" in tanh({inner}) * a{level} + w[i{level}])"
    )


def _map(level: int, above: str, inner: str) -> str:
    return (
        f"(let v{level} = for i{level} < n => (let a{level} = x[i{level}] * {above}\n"
        f" in exp(-({inner})) + cos(a{level}))\n in sum(v{level} * w))"
    )


def _loop(level: int, above: str, inner: str) -> str:
    return (
        f"(loop s{level} = {above} for i{level} < n do\n let a{level} = sin(s{level}) * x[i{level}]\n"
        f" in w[i{level}] * s{level} + tanh({inner}) * a{level})"
    )


def _scalar_loop(level: int, above: str, inner: str) -> str:
    return (
        f"(loop s{level} = {above} for i{level} < n do\n let a{level} = sin(s{level} * x)\n"
        f" in w * s{level} + tanh({inner}) * a{level})"
    )


FAMILIES: dict[str, tuple[Level, ...]] = {
    "sums": (_sum,),
    "maps": (_map,),
    "loops": (_loop,),
    "mixed": (_map, _loop, _sum),
}


def nest(levels: tuple[Level, ...], depth: int, arguments: str) -> str:
    """A program `nest` whose level k is written by `levels[k % len(levels)]`.

    >>> print(nest((_sum,), 1, "n: size, x: [n]f64, w: [n]f64"))
    def nest(n: size, x: [n]f64, w: [n]f64): f64 =
     sum(for i0 < n =>
     let a0 = sin(x[i0] + 0.5)
     in tanh(a0 * a0 + 0.1) * a0 + w[i0])
    <BLANKLINE>
    """
    text = f"a{depth - 1} * a{depth - 1} + 0.1"
    for level in reversed(range(depth)):
        above = f"a{level - 1}" if level else "0.5"
        text = levels[level % len(levels)](level, above, text)
    return f"def nest({arguments}): f64 =\n {text}\n"


def ratio(text: str, size: int) -> tuple[float, int]:
    """flops(value and gradient) / flops(value), and flops(value)."""
    program = pf.parse(text)["nest"].first({"n": size})
    found = cost(program, float_slots(program))
    return found.ratio, found.value


def rows(context: Context) -> list[Row]:
    """A row per depth for nests over arrays and one for nests of scalar loops."""
    return [_array_row(depth) for depth in SIZES] + [_scalar_row(depth) for depth in SIZES]


def _bar(kind: str, depth: int, target: float) -> Bar:
    title = f"{kind} loop nest of depth {depth}"
    return Bar(
        f"spine/nesting/{kind}_{depth}", "gate", AREA, title, "flops(value and gradient)/flops(value)", "", "<=", target
    )


def _array_row(depth: int) -> Row:
    found = {
        name: ratio(nest(levels, depth, "n: size, x: [n]f64, w: [n]f64"), SIZES[depth])
        for name, levels in FAMILIES.items()
    }
    least = min(flops for _, flops in found.values())
    note = ", ".join(f"{name} {value:.2f}" for name, (value, _) in found.items())
    worst = max(value for value, _ in found.values())
    return measured(
        _bar("array", depth, ARRAY_TARGET),
        worst,
        samples=len(found),
        note=f"{note}; {SIZES[depth]} rounds per level, value at least {least} flops",
    )


def _scalar_row(depth: int) -> Row:
    value, flops = ratio(nest((_scalar_loop,), depth, "n: size, x: f64, w: f64"), SIZES[depth])
    note = f"{SIZES[depth]} rounds per level, value {flops} flops"
    return measured(_bar("scalar", depth, SCALAR_TARGET), value, samples=1, note=note)
