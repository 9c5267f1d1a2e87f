"""Programs written step by step: constructs that a text leads to only after derivatives were taken, or not at all.

Each stands beside a text that means the same, which the exact evaluator runs: loops that run backwards over rows and
both sum and stack, a choice by a number, results that are only compared, a loop that stops by its own state and reads
its index, a whole number that a float decides, rows read at places.
"""

from __future__ import annotations

from ...lang.builder import Builder, body
from ...lang.ir import F64, ArrayType, Program
from .program_texts import Text

I64 = ArrayType("i64")
Slots = tuple[int, ...]


def _vector(*shape: int) -> ArrayType:
    return ArrayType("f64", shape)


def _total(b: Builder, slot: int) -> int:
    return b.apply("reduce_sum", slot, axes=tuple(range(b.array_type(slot).rank)))


def _times(b: Builder, slot: int, factor: float) -> int:
    return b.apply("mul", b.constant(factor), slot)


# --- a loop over rows, with a carry, a sum and a stack ---------------------------------------------------------------


def _march(rounds: int, reverse: bool) -> Program:
    """Over rows `a[i]` of 2 x 2: the carry is a vector, a product is summed, squares are stacked, rows are summed."""

    def turn(b: Builder, x: Slots) -> list[int]:
        p, row, y, i = x
        moved = b.apply("tanh", b.apply("einsum", row, y, spec="ij,j->i"))
        drift = _times(b, b.apply("convert", i, dtype="f64"), 0.1)
        following = b.apply("add", b.apply("mul", moved, p), drift)
        product = _total(b, b.apply("mul", following, y))
        return [following, product, b.apply("mul", y, y), b.apply("sin", _total(b, row))]

    def write(b: Builder, x: Slots) -> list[int]:
        p, start, a = x
        inner = body("turn", [F64, _vector(2, 2), _vector(2), I64], turn)
        combine = ["sum", "stack", "sum"]
        last, total, squares, sines = b.fold(rounds, [p], [a], [start], inner, combine, reverse=reverse)
        weights = b.constant([[0.1 * (2 * i + m) for m in range(2)] for i in range(rounds)], "f64", (rounds, 2))
        parts = [_total(b, last), b.apply("mul", total, p), _total(b, b.apply("mul", squares, weights))]
        return [b.apply("add", b.apply("add", parts[0], parts[1]), b.apply("mul", parts[2], sines))]

    return body("march", [F64, _vector(2), _vector(rounds, 2, 2)], write)


def _march_text(name: str, rounds: int, reverse: bool) -> Text:
    index = f"{rounds - 1} - k" if reverse else "k"
    text = (
        f"def {name}(p: f64, c: [2]f64, a: [{rounds}, 2, 2]f64): f64 =\n"
        f"  let (y, t, s) = loop (y, t, s) = (c, 0.0, 0.0) for k < {rounds} do\n"
        f"    let i = {index} in\n"
        "    let next = for m < 2 => tanh(sum(for j < 2 => a[i, m, j] * y[j])) * p + 0.1 * f64(i) in\n"
        "    (next, t + sum(next * y), s + sum(for m < 2 => y[m] * y[m] * 0.1 * f64(2 * i + m)))\n"
        f"  in sum(y) + t * p + s * sum(for k < {rounds} => sin(sum(a[k])))"
    )
    rows = [[[0.1 * (3 * i % 5) - 0.2, 0.5], [0.3 - 0.1 * i, 0.2 * (i % 3)]] for i in range(rounds)]
    return Text(name, text, (0.8, [0.4, -0.7], rows), program=_march(rounds, reverse))


# --- choices ---------------------------------------------------------------------------------------------------------


def _switch() -> Program:
    """A choice by a number among three arms, whose first operand is a literal and whose second result is compared."""
    operands = [F64, F64, F64]
    arms = [
        body("zero", operands, lambda b, x: [b.apply("mul", x[1], x[2]), b.apply("mul", _times(b, x[1], 1.0), x[0])]),
        body("one", operands, lambda b, x: [x[2], b.apply("add", b.apply("mul", x[1], x[1]), b.apply("mul", *x[:2]))]),
        body("two", operands, lambda b, x: [b.apply("sin", x[1]), b.apply("mul", b.apply("exp", x[2]), x[1])]),
    ]

    def element(b: Builder, x: Slots) -> list[int]:
        y, number, at, _ = x
        compared, value = b.branch(number, [b.constant(2.0), at, y], arms)
        positive = b.apply("gt", compared, b.constant(0.1))
        taken = b.apply("where", positive, b.apply("mul", value, b.apply("sin", value)), _times(b, value, 3.0))
        return [b.apply("mul", at, b.apply("cos", y)), taken]

    def write(b: Builder, x: Slots) -> list[int]:
        numbers, points, y = x
        inner = body("element", [F64, I64, F64, I64], element)
        compared, values = b.each(4, [y], [numbers, points], inner, ["stack", "stack"])
        positive = b.apply("gt", compared, b.constant(0.0))
        return [_total(b, b.apply("where", positive, values, _times(b, values, 0.5)))]

    return body("switch", [ArrayType("i64", (4,)), _vector(4), F64], write)


SWITCH = Text(
    "switch",
    "def switch(numbers: [4]i64, x: [4]f64, y: f64): f64 =\n"
    "  sum(for i < 4 =>\n"
    "    let (c, v) = if numbers[i] == 0 then (x[i] * y, 2.0 * x[i])\n"
    "      else if numbers[i] == 1 then (y, x[i] * x[i] + 2.0 * x[i])\n"
    "      else (sin(x[i]), exp(y) * x[i]) in\n"
    "    let taken = if c > 0.1 then v * sin(v) else 3.0 * v in\n"
    "    if x[i] * cos(y) > 0.0 then taken else 0.5 * taken)",
    ([0, 1, 2, 1], [0.3, -0.7, 1.1, 0.4], 0.6),
    program=_switch(),
)


def _compared_arms() -> Program:
    """A choice whose first result is only compared."""
    operands = [F64, F64]

    def curved(b: Builder, x: Slots) -> list[int]:
        product = b.apply("mul", *x)
        return [b.apply("sin", product), b.apply("mul", product, b.apply("exp", product))]

    def straight(b: Builder, x: Slots) -> list[int]:
        return [b.apply("mul", x[0], b.apply("cos", x[1])), b.apply("add", b.apply("sin", x[0]), x[1])]

    arms = [body("curved", operands, curved), body("straight", operands, straight)]

    def write(b: Builder, x: Slots) -> list[int]:
        compared, value = b.branch(b.apply("lt", *x), x, arms)
        return [b.apply("where", b.apply("gt", compared, b.constant(0.0)), _times(b, value, 2.0), value)]

    return body("compared", operands, write)


COMPARED = Text(
    "compared",
    "def compared(x: f64, y: f64): f64 =\n"
    "  let (c, v) = if x < y then (x * cos(y), sin(x) + y) else (sin(x * y), x * y * exp(x * y)) in\n"
    "  if c > 0.0 then 2.0 * v else v",
    (0.7, 0.4),
    program=_compared_arms(),
)


# --- loops that stop by themselves -----------------------------------------------------------------------------------


def _shrink() -> Program:
    """``x - p * sqrt(x - 0.45) * (1 + i / 16)`` while x > 0.5: a state that has stopped is outside the domain."""

    def turn(b: Builder, x: Slots) -> list[int]:
        p, y, i = x
        root = b.apply("sqrt", b.apply("sub", y, b.constant(0.45)))
        growing = b.apply("add", b.constant(1.0), _times(b, b.apply("convert", i, dtype="f64"), 0.0625))
        return [b.apply("sub", y, b.apply("mul", b.apply("mul", p, root), growing))]

    def write(b: Builder, x: Slots) -> list[int]:
        inner = body("turn", [F64, F64, I64], turn)
        condition = body("large", [F64, F64], lambda b, x: [b.apply("gt", x[1], b.constant(0.5))])
        (last,) = b.fold(12, [x[1]], [], [x[0]], inner, condition=condition)
        return [b.apply("mul", last, x[1])]

    return body("shrink", [F64, F64], write)


SHRINK = Text(
    "shrink",
    "def shrink(a: f64, p: f64): f64 =\n"
    "  (loop (x, k) = (a, 0.0) while x > 0.5 limit 12 do\n"
    "    (x - p * sqrt(x - 0.45) * (1.0 + 0.0625 * k), k + 1.0)).0 * p",
    (2.3, 0.31),
    program=_shrink(),
    positive=True,
)


def _ticks() -> Program:
    """Four rounds counted by the state itself, which all lanes of a batch share."""

    def turn(b: Builder, x: Slots) -> list[int]:
        p, y, n, _ = x
        grown = b.apply("mul", b.apply("sin", y), b.apply("add", p, b.apply("convert", n, dtype="f64")))
        return [grown, b.apply("add", n, b.constant(1, "i64"))]

    def write(b: Builder, x: Slots) -> list[int]:
        inner = body("turn", [F64, F64, I64, I64], turn)
        condition = body("few", [F64, F64, I64], lambda b, x: [b.apply("lt", x[2], b.constant(4, "i64"))])
        last, _ = b.fold(9, [x[1]], [], [x[0], b.constant(0, "i64")], inner, condition=condition)
        return [last]

    return body("ticks", [F64, F64], write)


TICKS = Text(
    "ticks",
    "def ticks(x: f64, p: f64): f64 = loop y = x for n < 4 do sin(y) * (p + f64(n))",
    (0.9, 0.7),
    program=_ticks(),
)


# --- whole numbers that floats decide, and rows read at places -------------------------------------------------------


def _counted() -> Program:
    """The carry holds a whole number made from the float beside it, and the two change places."""

    def turn(b: Builder, x: Slots) -> list[int]:
        at, y, k, _ = x
        moved = b.apply("add", b.apply("mul", y, at), _times(b, b.apply("convert", k, dtype="f64"), 0.3))
        whole = b.apply("convert", b.apply("floor", _times(b, moved, 2.0)), dtype="i64")
        return [moved, whole]

    def write(b: Builder, x: Slots) -> list[int]:
        inner = body("turn", [F64, F64, I64, I64], turn)
        last, whole = b.fold(4, [], [x[0]], [x[1], b.constant(1, "i64")], inner)
        return [b.apply("mul", last, b.apply("add", x[1], b.apply("convert", whole, dtype="f64")))]

    return body("counted", [_vector(4), F64], write)


COUNTED = Text(
    "counted",
    "def counted(x: [4]f64, s: f64): f64 =\n"
    "  let (y, k) = loop (y, k) = (s, 1.0) for i < 4 do\n"
    "    let next = y * x[i] + 0.3 * k in (next, floor(2.0 * next))\n"
    "  in y * (s + k)",
    ([1.3, -0.7, 1.1, 1.4], 0.9),
    program=_counted(),
)


def _placed() -> Program:
    """Elements of rows that a loop runs over, read at places that are data and at a literal one."""

    def element(b: Builder, x: Slots) -> list[int]:
        c, row, place, _ = x
        read = b.apply("gather", row, place, proved=True)
        product = b.apply("mul", _total(b, row), b.apply("gather", row, b.constant(1, "i64"), proved=True))
        return [b.apply("add", b.apply("mul", b.apply("mul", read, read), c), product)]

    def write(b: Builder, x: Slots) -> list[int]:
        rows, places, c = x
        inner = body("element", [F64, _vector(4), I64, I64], element)
        return [b.each(3, [c], [rows, places], inner, ["sum"])[0]]

    return body("placed", [_vector(3, 4), ArrayType("i64", (3,)), F64], write)


PLACED = Text(
    "placed",
    "def placed(a: [3, 4]f64, places: [3]i64, c: f64): f64 =\n"
    "  sum(for i < 3 => a[i, places[i]] ^ 2 * c + sum(a[i]) * a[i, 1])",
    ([[0.3, 0.8, -0.1, 0.5], [-0.2, 1.5, 0.7, 0.2], [0.9, -1.1, 0.4, -0.6]], [2, 0, 3], 0.7),
    program=_placed(),
)

STEP_TEXTS: tuple[Text, ...] = (
    _march_text("march", 7, reverse=True),
    _march_text("march_in_blocks", 9, reverse=False),
    _march_text("short_march", 3, reverse=True),
    SWITCH,
    COMPARED,
    SHRINK,
    TICKS,
    COUNTED,
    PLACED,
)
