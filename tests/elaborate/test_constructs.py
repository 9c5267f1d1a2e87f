"""What every construct of the language means after elaboration, and that specialisation keeps it."""

# ruff: noqa: E501  (program texts stay on one line)

from __future__ import annotations

import numpy as np
import pytest

from .programs import run_both

X = np.array([1.0, 2.0, 3.0])
M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
CUBE = np.arange(24.0).reshape(2, 3, 4)

# name, text of `main`, arguments, expected results (one per slot)
CASES = [
    ("literals take their type", "def main(): (f64, f32, i64) = (1, 2, 3)", [], [1.0, np.float32(2), 3]),
    ("power of a negated literal", "def main(x: f64): f64 = -x^2 + x ^ -1", [2.0], [-3.5]),
    ("power of floats", "def main(x: f64): f64 = x ^ 0.5", [4.0], [2.0]),
    ("integers floor", "def main(n: i64): (i64, i64) = (n // 3, n % 3)", [-7], [-3, 2]),
    ("comparisons", "def main(x: f64): (bool, bool) = (x < 2.0, not (x != 1.0))", [1.0], [True, True]),
    ("constants", "def main(): f64 = cos(pi)", [], [-1.0]),
    ("array literal", "def main(): [2, 2]f64 = [[1.0, -2.0], [3.0, 4.0]]", [], [[[1, -2], [3, 4]]]),
    ("array of expressions", "def main(x: f64): [2]f64 = [x, x + 1.0]", [3.0], [[3.0, 4.0]]),
    ("array of arrays", "def main(x: [3]f64): [2, 3]f64 = [x, 2.0 * x]", [X], [[[1, 2, 3], [2, 4, 6]]]),
    ("array of tuples", "def main(x: f64): [2](f64, i64) = [(x, 1), (x, 2)]", [5.0], [[5.0, 5.0], [1, 2]]),
    ("tuples and places", "def main(x: f64): f64 = ((x, 2.0), 3.0).0.1", [1.0], [2.0]),
    ("records", "def main(x: f64): f64 = let r = {a = x, b = 2.0} in (r with .a = 7.0).a * r.a * r.b", [3.0], [42.0]),
    ("tuple pattern", "def main(x: f64): f64 = let (a, (b, c)) = (x, (2.0, 3.0)) in a * b + c", [1.0], [5.0]),
    ("record pattern", "def main(x: f64): f64 = let {b, a} = {a = x, b = 10.0} in a - b", [1.0], [-9.0]),
    ("shadowing", "def main(x: f64): f64 = let y = x in (let y = y + 1.0 in y) * y", [2.0], [6.0]),
    ("if", "def main(x: f64): f64 = if x < 0.0 then -x else x * x", [-3.0], [3.0]),
    ("if of tuples", "def main(x: f64): (f64, i64) = if x < 0.0 then (x, 1) else (-x, 2)", [3.0], [-3.0, 2]),
    ("lazy and", "def main(x: [3]f64, i: i64): bool = i < 3 and x[i] > 0.0", [X, 7], [False]),
    ("lazy or", "def main(x: [3]f64, i: i64): bool = i >= 3 or x[i] > 5.0", [X, 7], [True]),
    ("index", "def main(x: [2, 3]f64, i: i64): f64 = x[i, 2]", [M, 1], [6.0]),
    ("row", "def main(x: [2, 3]f64): [3]f64 = x[1]", [M], [[4, 5, 6]]),
    ("slice", "def main(x: [3]f64): [2]f64 = x[1:]", [X], [[2, 3]]),
    ("slice and index", "def main(x: [2, 3]f64): [2]f64 = x[:, 1]", [M], [[2, 5]]),
    ("index, slice, index", "def main(x: [2, 3, 4]f64): [2]f64 = x[1, 0:2, 3]", [CUBE], [CUBE[1, 0:2, 3]]),
    ("slice, index", "def main(x: [2, 3, 4]f64): [2, 4]f64 = x[:, 1]", [CUBE], [CUBE[:, 1]]),
    ("update", "def main(x: [3]f64): [3]f64 = x with [1] = 9.0", [X], [[1, 9, 3]]),
    ("update of a row", "def main(x: [2, 3]f64): [2, 3]f64 = x with [0] = x[1]", [M], [[[4, 5, 6], [4, 5, 6]]]),
    ("update of a column", "def main(x: [2, 3]f64): [2, 3]f64 = x with [:, 1] = [8.0, 9.0]", [M], [[[1, 8, 3], [4, 9, 6]]]),
    ("update of a range", "def main(x: [3]f64): [3]f64 = x with [1:3] = [8.0, 9.0]", [X], [[1, 8, 9]]),
    ("for", "def main[n](x: [n]f64): [n]f64 = for i < n => x[i] * real(i)", [X], [[0, 2, 6]]),
    ("for of two ranges", "def main[n](x: [n]f64): [n, 2]f64 = for i < n, j < 2 => x[i] + real(j)", [X], [[[1, 2], [2, 3], [3, 4]]]),
    ("for of tuples", "def main[n](x: [n]f64): [n](f64, i64) = for i < n => (x[i], i)", [X], [X, [0, 1, 2]]),
    ("element of an array of tuples", "def main(x: [3]f64): f64 = (for i < 3 => (x[i], i))[2].0", [X], [3.0]),
    ("sum of for", "def main[n, m](x: [n, m]f64): f64 = sum(for i < n, j < m => x[i, j])", [M], [21.0]),
    ("sum of inner arrays", "def main[n, m](x: [n, m]f64): f64 = sum(for i < n => x[i])", [M], [21.0]),
    ("loop", "def main(x: f64): f64 = loop y = x for i < 4 do y * 2.0 + real(i)", [1.0], [27.0]),
    ("loop of a tuple", "def main(n: i64): i64 = (loop (a, b) = (n, 1) for i < 5 do (b, a + b)).0", [0], [5]),
    ("scan", "def main(x: f64): [3]f64 = scan y = x for i < 3 do y + 1.0", [1.0], [[2, 3, 4]]),
    ("scan of a tuple", "def main(x: f64): [2](f64, i64) = scan (y, k) = (x, 0) for i < 2 do (y * 2.0, k + 1)", [1.0], [[2, 4], [1, 2]]),
    ("while", "def main(x: f64): f64 = loop y = x while y < 10.0 limit 50 do y * 2.0", [3.0], [12.0]),
    ("while at its limit", "def main(x: f64): f64 = loop y = x while y > 0.0 limit 3 do y + 1.0", [1.0], [4.0]),
    ("matrix product", "def main[n, m](x: [n, m]f64): [n, n]f64 = x @ transpose(x)", [M], [M @ M.T]),
    ("matrix and vector", "def main(x: [2, 3]f64, y: [3]f64): ([2]f64, f64) = (x @ y, y @ y)", [M, X], [M @ X, 14.0]),
    ("reductions", "def main[n](x: [n]f64): (f64, f64, f64, f64) = (sum(x), prod(x), max(x), mean(x))", [X], [6, 6, 3, 2]),
    ("reduction of all axes", "def main(x: [2, 3]f64): (f64, f64) = (min(x), mean(x))", [M], [1.0, 3.5]),
    ("all and any", "def main(x: [3]f64): (bool, bool) = (all(for i < 3 => x[i] > 1.0), any(for i < 3 => x[i] > 1.0))", [X], [False, True]),
    ("argmax, argsort", "def main(x: [3]f64): (i64, [3]i64) = (argmax(x), argsort(-x))", [X], [2, [2, 1, 0]]),
    ("scans", "def main(x: [3]f64): ([3]f64, [3]f64) = (cumsum(x), cumprod(x))", [X], [[1, 3, 6], [1, 2, 6]]),
    ("shapes", "def main(x: [2, 3]f64): ([6]f64, [3, 2]f64) = (flatten(x), reshape(x, 3, 2))", [M], [M.ravel(), M.reshape(3, 2)]),
    ("reverse and concat", "def main(x: [3]f64): [5]f64 = concat(reverse(x), [0.0, 1.0])", [X], [[3, 2, 1, 0, 1]]),
    ("gather and scatter", "def main(x: [3]f64): [3]f64 = scatter_add(x, [0, 0], gather(x, [2, 1]))", [X], [[6, 2, 3]]),
    ("iota", "def main(): [3]i64 = iota(3)", [], [[0, 1, 2]]),
    ("reduce", "def main[n](x: [n]f64): f64 = reduce(fn (a: f64, b: f64) => a * b + 1.0 - 1.0, x)", [X], [6.0]),
    ("reduce of tuples", "def main[n](x: [n]f64): (f64, f64) = reduce(fn (a: (f64, f64), b: (f64, f64)) => (a.0 + b.0, a.1 * b.1), for i < n => (x[i], x[i]))", [X], [6.0, 6.0]),
    ("solve", "def main(a: [2, 2]f64, b: [2]f64): [2]f64 = solve(a, b)", [[[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]], [[1.0, 0.5]]),
    ("where", "def main(x: [3]f64): [3]f64 = where(x > 1.5, x, 0.0)", [X], [[0, 2, 3]]),
    ("conversions", "def main(x: f64): (i64, f32, bool) = (i64(x), f32(x), bool(x))", [2.75], [2, np.float32(2.75), True]),
    ("sizes are numbers", "def main[n](x: [n + 1]f64): f64 = real(n) + real(n * n)", [X], [6.0]),
    ("named arguments", "def f(x: f64, y: f64): f64 = x - y\ndef main(x: f64): f64 = f(y = x, x = 1.0)", [3.0], [-2.0]),
    ("size arguments", "def f(n: size, x: f64): [n]f64 = for i < n => x\ndef main(x: f64): [3]f64 = f(3, x)", [2.0], [[2, 2, 2]]),
    ("functions capture", "def main(x: f64, y: f64): f64 = let f = fn (z: f64) => x * z + y in f(y) * f(x)", [2.0, 3.0], [63.0]),
    ("functions give functions", "def adder(a: f64): f64 -> f64 = fn (b: f64) => a + b\ndef main(x: f64): f64 = adder(x)(1.0) * adder(2.0)(x)", [3.0], [20.0]),
    ("words are values", "def main(x: [3]f64): [3]f64 = map(exp, log(x))", [X], [np.exp(np.log(X))]),
    ("polymorphic at tuples", "def main(x: [3]f64): [3]f64 = map(fn (p: (f64, f64)) => p.0 * p.1, zip(x, x))", [X], [[1, 4, 9]]),
    ("polymorphic at symbolic sizes", "def rows[n, m](x: [n, m]f64): [n]f64 = map(fn (r: [m]f64) => sum(r), x)\ndef main[n, m](x: [m, n]f64): [m]f64 = rows(x)", [M], [[6, 15]]),
    ("polymorphic at two symbolic sizes", "def main[k, n, m](x: [k, n]f64, y: [k, m]f64): [k]f64 = map2(fn (p: [n]f64, q: [m]f64) => sum(p) * real(m) + sum(q), x, y)", [M, M[:, :1]], [[7, 19]]),
    ("names of sizes do not clash", "def ones_of[k1, a: type, b: type](x: a, y: b, z: [k1]f64): ([1]a, [1]b) = ([x], [y])\ndef main[n, m](x: [n]f64, y: [m]f64): ([1, n]f64, [1, m]f64) = ones_of(x, y, y)", [X, X[:2]], [[X], [X[:2]]]),
    ("match on numbers", "def main(n: i64): f64 = match n { 0 => 1.0; 1 => 2.0; k => real(k) * 10.0 }", [5], [50.0]),
    ("match on tuples of numbers", "def main(n: i64, m: i64): i64 = match (n, m) { (0, 0) => 1; (0, k) => k; (k, 0) => 10 * k; (a, b) => a * b }", [7, 0], [70]),
    ("long chains of binds", "def main(x: f64): f64 = " + " ".join(f"let x{k + 1} = x{k} + 1.0" if k else "let x1 = x" for k in range(1500)) + " in x1500", [1.0], [1500.0]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, arguments: list, expected: list) -> None:
    results = run_both(text, arguments)
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12)
        assert np.shape(result) == np.shape(wanted)
