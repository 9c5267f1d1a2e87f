"""The acceptance programs: their claims, the cost of their gradients, and the sizes of what is emitted.

Cost is counted on simplified first-order programs (`pushforward.ad.cost`), at the large sizes of `spine_entries`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import pushforward as pf
from pushforward import _wire
from pushforward.ad.cost import Cost, flops
from pushforward.ad.derive import cost, value_and_gradient

from ..harness import Bar, Context, Row, measured
from .spine_entries import MIN_ARRAY, MIN_SCALAR, entries, float_slots, is_scalar, program_files
from .spine_independence import run

AREA = "spine"
BACKENDS = ("reference", "xla")

CLAIMS = Bar("spine/programs/claims", "gate", AREA, "claims of programs and examples", "not passed", "", "<=", 0.0)
SCALAR_RATIO = Bar(
    "spine/programs/ratio_scalar",
    "gate",
    AREA,
    f"scalar programs of at least {MIN_SCALAR} operations",
    "worst flops(value and gradient)/flops(value)",
    "",
    "<=",
    5.0,
)
ARRAY_RATIO = Bar(
    "spine/programs/ratio_array",
    "gate",
    AREA,
    f"array programs of at least {MIN_ARRAY} operations",
    "worst flops(value and gradient)/flops(value)",
    "",
    "<=",
    4.0,
)
IR_GROWTH = Bar(
    "spine/programs/ir_growth",
    "gate",
    AREA,
    f"emitted gradient program against its source program, from {MIN_SCALAR} steps on",
    "worst ratio of steps",
    "",
    "<=",
    8.0,
)
IR_GROWTH_SHORT = Bar(
    "spine/programs/ir_growth_short",
    "aim",
    AREA,
    f"the same for programs of fewer than {MIN_SCALAR} steps",
    "worst ratio of steps",
    "",
    "<=",
    8.0,
)
COMPILE = Bar(
    "spine/programs/compile",
    "gate",
    AREA,
    "specialise, differentiate and optimise one program (XLA not counted)",
    "worst time",
    "s",
    "<=",
    2.0,
)


@dataclass(frozen=True)
class Growth:
    """A program whose gradient should cost in proportion to one of its sizes; `fixed` holds the others."""

    file: str
    name: str
    size: str
    fixed: dict[str, int]


GROWTHS = (
    Growth("tests/programs/tanh_matmul.pf", "tanh_matmul", "n", {"k": 8, "m": 8}),
    Growth("tests/programs/weighted_gather.pf", "weighted_gather", "k", {"n": 100}),
    Growth("tests/programs/kmeans_cost.pf", "kmeans_cost", "n", {"k": 4, "d": 3}),
    Growth("tests/programs/affine_fold.pf", "affine_fold", "n", {}),
    Growth("tests/programs/affine_fold.pf", "affine_reduce", "n", {}),
    Growth("examples/adbench/gmm.pf", "gmm", "n", {"d": 4, "k": 5, "l": 10}),
    Growth("examples/adbench/lstm.pf", "lstm", "c", {"l": 1, "b": 14}),
)
GROWTH_SIZES = (10, 100, 1000, 10000)


def rows(context: Context) -> list[Row]:
    """Claims, cost, growth and compile time."""
    found = list(entries(context.root))
    costs = {entry.id: cost(entry.first("large"), float_slots(entry.first("large"))) for entry in found}
    scalars = {entry.id for entry in found if is_scalar(entry.first("large"))}
    return [
        claims_row(context),
        ratio_row(SCALAR_RATIO, {key: one for key, one in costs.items() if key in scalars}, MIN_SCALAR),
        ratio_row(ARRAY_RATIO, {key: one for key, one in costs.items() if key not in scalars}, MIN_ARRAY),
        *(slope_row(growth, context) for growth in GROWTHS),
        *ir_rows(costs),
        compile_row(context),
    ]


def claims_row(context: Context) -> Row:
    """Every claim of every file on the reference and on XLA; a skipped one counts as not passed."""
    files = program_files(context.root)
    results = [
        (path.stem, result)
        for path in files
        for result in _wire.run_tests(pf.load(path).checked, BACKENDS, context.seed, None)
    ]
    counts = Counter(result.status for _, result in results)
    wrong = [f"{file}: {result.text} ({result.backend})" for file, result in results if result.status != "passed"]
    note = f"{len(files)} files, {len(results)} results on reference and XLA"
    return measured(
        CLAIMS,
        counts["failed"] + counts["skipped"],
        samples=len(results),
        seed=context.seed,
        note="; ".join([note, *wrong[:3]]),
    )


def ratio_row(bar: Bar, costs: dict[str, Cost], least: int) -> Row:
    """The worst ratio among programs of at least `least` operations; all of them and the smaller ones in the note."""
    held = {key: one.ratio for key, one in costs.items() if one.value >= least}
    small = {key: one.ratio for key, one in costs.items() if 0 < one.value < least}
    note = f"{listing(held)}; of fewer operations, not held to the bar: {listing(small)}"
    return measured(bar, max(held.values()), samples=len(held), note=note)


def listing(values: dict[str, float]) -> str:
    """Names with values, the largest first.

    >>> listing({"a:f": 1.0, "b:g": 2.5})
    'g 2.50, f 1.00'
    """
    ordered = sorted(values.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{key.partition(':')[2]} {value:.2f}" for key, value in ordered)


def slope(sizes: Sequence[int], counts: Sequence[int]) -> float:
    """Least-squares slope of log counts against log sizes.

    >>> round(slope([10, 100, 1000], [30, 300, 3000]), 6)
    1.0
    """
    return float(np.polyfit([math.log(size) for size in sizes], [math.log(count) for count in counts], 1)[0])


def slope_row(growth: Growth, context: Context) -> Row:
    """How the operations of value and gradient grow with one size, derived at each size anew."""
    program = pf.load(context.root / growth.file)[growth.name]
    counts = []
    for size in GROWTH_SIZES:
        first = program.first({**growth.fixed, growth.size: size})
        counts.append(flops(value_and_gradient(first, float_slots(first))))
    bar = Bar(
        f"spine/growth/{growth.name}",
        "gate",
        AREA,
        f"{growth.name}: gradient operations against {growth.size}",
        "slope, log-log",
        "",
        "<=",
        1.05,
    )
    note = f"{growth.size} = {', '.join(map(str, GROWTH_SIZES))}: {', '.join(map(str, counts))} flops"
    return measured(bar, slope(GROWTH_SIZES, counts), samples=len(counts), note=note)


def ir_rows(costs: dict[str, Cost]) -> list[Row]:
    """The worst growth in steps, of long and of short programs; one without steps has no ratio."""
    ratios = {key: one.gradient_size / one.value_size for key, one in costs.items() if one.value_size}
    beyond = [
        f"{key}: {one.value_size} to {one.gradient_size} steps"
        for key, one in costs.items()
        if one.value_size and one.gradient_size > IR_GROWTH.target * one.value_size
    ]
    long = {key: ratio for key, ratio in ratios.items() if costs[key].value_size >= MIN_SCALAR}
    short = {key: ratio for key, ratio in ratios.items() if key not in long}
    worst = max(long, key=lambda key: long[key])
    why = "one step such as logsumexp stands for its whole definition once it is differentiated"
    return [
        measured(IR_GROWTH, long[worst], samples=len(long), note=worst),
        measured(IR_GROWTH_SHORT, max(short.values()), samples=len(short), note="; ".join([why, *beyond])),
    ]


def compile_row(context: Context) -> Row:
    """Seconds from a checked definition to the optimised value-and-gradient program, in a fresh process."""
    seconds = {key: one["seconds"] for key, one in run("passes", context).items()}
    worst = max(seconds, key=lambda key: seconds[key])
    note = f"{worst}; all {len(seconds)} together {sum(seconds.values()):.2f} s"
    return measured(COMPILE, seconds[worst], samples=len(seconds), note=note)
