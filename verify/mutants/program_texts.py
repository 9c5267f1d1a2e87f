"""Small programs that together use every construct the derivative passes handle, with the arguments they run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...lang.ir import Program


@dataclass(frozen=True)
class Text:
    """A definition `entry` of the text, its sizes and arguments; the result is a float scalar or array.

    `meaning` is the same function without derivatives or rules in it, for the oracle; by default it is the text.
    `program` is the same function as a first-order program written step by step, where the text alone does not lead to
    the steps wanted. `positive` says that lanes of a batch must stay positive.
    """

    entry: str
    text: str
    arguments: tuple[Any, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    meaning: str | None = None
    program: Program | None = None
    positive: bool = False


X4 = [0.3, -0.7, 1.1, 0.4]
TEXTS: tuple[Text, ...] = (
    Text("shared", "def shared(x: f64, y: f64): f64 = let a = x * y in a * sin(a) + a / (y - 3.0) - x", (0.7, -0.4)),
    Text(
        "layers",
        "def layers[n, m](w: [n, m]f64, x: [m]f64, b: [n]f64): f64 =\n"
        "  sum(for i < n => tanh(sum(for j < m => w[i, j] * x[j]) + b[i]) * b[i])",
        ([[0.2, -0.5, 1.0], [0.7, 0.1, -0.3]], [0.4, -1.2, 0.8], [0.5, -0.6]),
        {"n": 2, "m": 3},
    ),
    Text(
        "product",
        "def product[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 = tanh(a @ b) - (a @ b)",
        ([[0.1, 0.9], [-0.4, 0.3]], [[0.2, -0.8, 0.5], [0.6, 0.1, -0.1]]),
        {"n": 2, "k": 2, "m": 3},
    ),
    Text(
        "differences",
        "def differences[n](x: [n + 1]f64): f64 = sum(for i < n => (x[i + 1] - x[i]) ^ 2 * x[i])",
        (X4,),
        {"n": 3},
    ),
    Text(
        "recurrence",
        "def recurrence[n](a: [n]f64, b: [n]f64, c: f64): f64 =\n"
        "  loop y = c for i < n do a[i] * sin(y) + b[n - 1 - i] * c",
        (X4, [0.2, 0.5, -0.3, 0.9], 0.6),
        {"n": 4},
    ),
    Text(
        "two_states",
        "def two_states[n](u: [n]f64, p: f64): f64 =\n"
        "  (loop (x, v) = (1.0, p) for i < n do (x + 0.1 * v * u[i], v - 0.2 * x * p)).0",
        ([0.5, -1.0, 0.8, 0.3, 1.2, -0.4, 0.9], 0.7),
        {"n": 7},
    ),
    Text(
        "late",
        "def late[n](x: [n]f64): f64 =\n"
        "  let (a, b) = loop (a, b) = (0.5, 1.0) for i < n do (b * 0.9, x[i] * x[i] + 0.1) in a * b",
        (X4,),
        {"n": 4},
    ),
    Text(
        "running",
        "def running[n](x: [n]f64, s: f64): [n]f64 = scan y = s for i < n do y * x[i] + s",
        (X4, 0.8),
        {"n": 4},
    ),
    Text(
        "running_sum",
        "def running_sum[n](x: [n]f64): f64 =\n"
        "  let y = scan s = 0.0 for i < n do s + x[i] ^ 2 in sum(for i < n => y[i] * x[n - 1 - i])",
        (X4,),
        {"n": 4},
    ),
    Text(
        "until",
        "def until(a: f64): f64 =\n"
        "  (loop (x, d) = (1.0, 1.0) while d > 0.001 limit 9 do let next = 0.5 * (x + a / x) in\n"
        "    (next, abs(next - x))).0",
        (2.3,),
        positive=True,
    ),
    Text(
        "lowered",
        "def lowered(a: f64, p: f64): f64 = (loop x = a while x > 0.5 limit 12 do 0.7 * x - 0.1) * p",
        (2.3, 0.7),
        positive=True,
    ),
    Text(
        "branches",
        "def branches[n](x: [n]f64, c: f64): f64 =\n"
        "  sum(for i < n => if x[i] > 0.2 then x[i] ^ 2 * c else sin(x[i]) / (c + 2.0))",
        (X4, 0.9),
        {"n": 4},
    ),
    Text(
        "guarded",
        "def guarded[n](x: [n]f64): f64 = sum(for i < n => if x[i] > 0.05 then sqrt(x[i]) * log(x[i]) else 2.0 * x[i])",
        ([0.3, 0.0, 1.1, -0.4],),
        {"n": 4},
    ),
    Text(
        "one_branch",
        "def one_branch(x: f64, y: f64): f64 = if x < y then x * x * y else if x > 2.0 then x else exp(y) - x",
        (1.4, 0.3),
    ),
    Text(
        "gathered",
        "def gathered[n, k](x: [n]f64, w: [k]f64, places: [k]i64): f64 =\n"
        "  sum(for i < k => w[i] * x[places[i]] ^ 2) * x[0]",
        (X4, [1.0, -0.5, 0.25], [2, 0, 2]),
        {"n": 4, "k": 3},
    ),
    Text(
        "rows",
        "def rows[n, m, k](x: [n, m]f64, places: [k]i64): f64 =\n"
        "  sum(for i < k, j < m => x[places[i], j] * x[places[k - 1 - i], m - 1 - j])",
        ([[0.3, 0.8], [-0.2, 1.5], [0.9, -1.1]], [2, 0, 2, 1]),
        {"n": 3, "m": 2, "k": 4},
    ),
    Text(
        "reads_in_a_loop",
        "def reads_in_a_loop[n, k](x: [n]f64, places: [k]i64): f64 =\n"
        "  loop s = 1.0 for i < k do s * x[places[i]] + x[0] * x[i]",
        (X4, [3, 1, 3]),
        {"n": 4, "k": 3},
    ),
    Text(
        "updated",
        "def updated[n](x: [n]f64, v: f64): f64 =\n"
        "  let y = x with [1] = v * x[0] with [2] = v in sum(for i < n => y[i] * y[i] * x[i])",
        (X4, 0.7),
        {"n": 4},
    ),
    Text(
        "extremes",
        "def extremes[n](x: [n]f64, c: f64): f64 =\n"
        "  max(for i < n => x[i] * c) * min(x) + sum(maximum(x, 0.1)) * relu(c) + sum(clip(x, -0.5, 0.5)) * abs(c)",
        (X4, 0.8),
        {"n": 4},
    ),
    Text(
        "mixture",
        "def mixture[n, k](x: [n]f64, m: [k]f64): f64 =\n"
        "  sum(for i < n => logsumexp(for j < k => -0.5 * (x[i] - m[j]) ^ 2)) + sum(softmax(m) * m)",
        (X4, [0.5, -0.2]),
        {"n": 4, "k": 2},
    ),
    Text(
        "fields",
        "def fields[n, m](u: [n, m]f64, c: f64): f64 =\n"
        "  loop s = 0.0 for t < 3 do s * c + sum(for i < n, j < m => u[i, j] * sin(s + c * f64(t)))",
        ([[0.1, 0.7], [-0.3, 0.5]], 0.6),
        {"n": 2, "m": 2},
    ),
    Text(
        "nest",
        "def nest[n, m](a: [n, m]f64, x: [m]f64): f64 =\n"
        "  sum(for i < n => loop y = x[0] for j < m do y * a[i, j] + sum(for k < m => x[k] * a[i, k]) * y)",
        ([[0.4, -0.6], [0.5, 0.3], [0.2, 0.9]], [0.7, -0.8]),
        {"n": 3, "m": 2},
    ),
    Text(
        "own_rule",
        "def back(x: f64, y: f64, z: f64): (f64, f64) = (z * 2.0 * x * y, z * x * x)\n"
        "def area(x: f64, y: f64): f64 with vjp back = x * x * y\n"
        "def own_rule(x: f64, y: f64): f64 = area(x, y) * y + area(y, 2.0)",
        (0.6, -1.3),
        meaning="def own_rule(x: f64, y: f64): f64 = x * x * y * y + y * y * 2.0",
    ),
    Text(
        "own_tangent",
        "def push(x: f64, x_dot: f64): f64 = exp(x) * x_dot\n"
        "def own(x: f64): f64 with jvp push = exp(x)\n"
        "def own_tangent[n](x: [n]f64): f64 = sum(for i < n => own(x[i]) * x[i])",
        (X4,),
        {"n": 4},
        "def own_tangent[n](x: [n]f64): f64 = sum(for i < n => exp(x[i]) * x[i])",
    ),
    Text(
        "confusion",
        "def confusion(x: f64, c: f64): f64 =\n"
        "  x * grad(fn (y: f64) => x * y * y + c * x)(c) + jvp(fn (y: f64) => sin(x * y), c, x).1",
        (0.8, 0.5),
        meaning="def confusion(x: f64, c: f64): f64 = 2.0 * x * x * c + cos(x * c) * x * x",
    ),
    Text(
        "curvature",
        "def inner[n](x: [n]f64): f64 = sum(for i < n => x[i] ^ 3) * x[0]\n"
        "def curvature[n](x: [n]f64): f64 = laplacian(inner)(x) + sum(grad(inner)(x))",
        (X4,),
        {"n": 4},
        "def curvature[n](x: [n]f64): f64 =\n"
        "  6.0 * x[0] * sum(x) + 6.0 * x[0] ^ 2 + 3.0 * x[0] * sum(x * x) + sum(for i < n => x[i] ^ 3)",
    ),
    Text(
        "mixed_reads",
        "def mixed_reads(x: [3, 2]f64): f64 = sum(x[1]) * x[0, 1] + x[1, 0] * x[2, 1]",
        ([[0.3, 0.8], [-0.2, 1.5], [0.9, -1.1]],),
    ),
    Text(
        "places_read_twice",
        "def places_read_twice(x: [3, 3]f64, p: i64, q: i64): f64 = x[p, q] * x[q, p] * sum(x[p]) + x[p, q]",
        ([[0.3, 0.8, 0.1], [-0.2, 1.5, 0.6], [0.9, -1.1, 0.4]], 2, 0),
    ),
    Text(
        "products",
        "def products[n](x: [n + 1]f64): f64 = prod(x) * x[0] + prod(for i < n => sin(x[i]))",
        (X4,),
        {"n": 3},
    ),
    Text(
        "two_gradients",
        "def two_gradients(x: f64): f64 = grad(fn (y: f64) => y ^ 3)(x) * grad(fn (y: f64) => sin(y))(x)",
        (0.8,),
        meaning="def two_gradients(x: f64): f64 = 3.0 * x ^ 2 * cos(x)",
    ),
    Text("unused", "def unused(x: f64, y: f64): f64 = let a = y * 3.0 in sin(x)", (0.4, 1.0)),
    Text(
        "integers",
        "def integers[n](x: [n]f64): f64 = sum(for i < n => if i % 2 == 0 then x[i] * f64(i) else x[i // 2] ^ 2)",
        (X4,),
        {"n": 4},
    ),
    Text(
        "chosen_power",
        "def shifted(x: f64, n: i64): f64 = x ^ 3 * f64(n) + sin(x)\n"
        "def chosen_power(x: f64): f64 = grad(shifted)(x, 2) * x",
        (0.7,),
        meaning="def chosen_power(x: f64): f64 = (6.0 * x ^ 2 + cos(x)) * x",
    ),
    Text("powers", "def powers(x: f64, y: f64): f64 = x ^ 4.0 * y + y ^ 2.5 * x", (-0.7, 1.3)),
)
