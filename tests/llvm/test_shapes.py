"""Native code at shapes of every kind, lengths of 0 and 1 among them: value and gradient are those of the reference."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import pushforward as pf
from pushforward.lang.ir import as_array

MODULE = pf.parse("""
def distances[n, k, d](x: [n, d]f64, m: [k, d]f64): [n]f64 =
  for i < n => sum(for c < k => exp(-sum(for j < d => (x[i, j] - m[c, j])^2)))

def layered[n, k, d](x: [n, d]f64, w: [d, k]f64): [n, k]f64 = tanh(x @ w)

def chained[n, k, d](a: [n, d]f64, b: [d, k]f64): [k, k]f64 = transpose(a @ b) @ (a @ b)

def turned[n, k](x: [n, k]f64): [k]f64 = for j < k => sum(for i < n => x[i, j] * sin(f64(i + 2 * j)))

def scanned[n, k](x: [n, k]f64): [n, k]f64 = for i < n => scan s = 0.5 for j < k do sin(s) + x[i, j]

def triangular[n, d](a: [d, d]f64, x: [n, d]f64): [n, d]f64 =
  let l = (for i < d, j < d => if j <= i then a[i, j] else 0.0) in for i < n => l @ x[i]

def chosen[n](x: [n]f64, y: [n]f64): [n]f64 =
  for i < n => if x[i] > y[i] then x[i] * y[n - 1 - i] else exp(y[i]) - x[(i * 7) % n]

def running[n, k](x: [n, k]f64): f64 = sum(cumsum(x[0]) * reverse(x[n - 1]))

def folded[n, k](x: [n, k]f64): [k]f64 = loop s = (for j < k => 1.0) for i < n do s * 0.9 + sin(x[i])

def spread[n, k](x: [n]f64, y: [k]f64): [n, k]f64 = for i < n, j < k => x[i] * y[j] + sqrt(x[i]^2 + y[j]^2 + 1.0)
""")
NAMES = "distances layered chained turned scanned triangular chosen running folded spread".split()
LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 33)


def _check(seed: int) -> None:
    random = Random(seed)
    program = MODULE[NAMES[seed % len(NAMES)]]
    sizes = {name: random.choice(LENGTHS) for name in program.ir.sizes}
    if program.name == "running":  # it reads the first row and the last
        sizes["n"] = max(1, sizes["n"])
    r = np.random.default_rng(seed)
    args = [r.normal(size=[sizes[str(n)] for n in as_array(type_).shape]) for type_ in program.first().inputs]
    value = program.compile("reference")(*args)
    seed_bar = r.normal(size=np.shape(value)) if np.shape(value) else 0.7
    point = tuple(args) if len(args) > 1 else args[0]
    for derived, given in ((program, args), (pf.reverse(program), [point, seed_bar])):
        found, wanted = (derived.compile(backend)(*given) for backend in ("llvm", "reference"))
        for one, other in zip(_flat(found), _flat(wanted), strict=True):
            assert one.shape == other.shape, (seed, sizes)
            assert np.allclose(one, other, rtol=1e-11, atol=1e-11), (seed, sizes)


def _flat(value: object) -> list[np.ndarray]:
    return [leaf for part in value for leaf in _flat(part)] if isinstance(value, tuple) else [np.asarray(value)]


@pytest.mark.parametrize("part", range(6))
def test_some_shapes(part: int) -> None:
    for seed in range(part * 10, part * 10 + 10):
        _check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_a_thousand_shapes(part: int) -> None:
    for seed in range(part * 50, part * 50 + 50):
        _check(seed)
