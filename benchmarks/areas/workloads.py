"""Workloads beyond ADBench against the fastest hand-written JAX formulation, on one core, in f64.

What `auto` takes must keep up; native code alone and XLA alone are measured beside it, so that the table shows where
each of them loses.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..harness import Context, Row
from .speed import Race, race_rows

AREA = "workloads"
LEAST = 0.95
BACKENDS = ("auto", "llvm", "xla")


@dataclass(frozen=True)
class Workload:
    """A problem, what is computed, and at which size; the small size is that of a quick run."""

    problem: str
    title: str
    size: str
    small: str

    def race(self, quick: bool, backend: str) -> Race:
        """The race of one back end."""
        problem, size = (f"{self.problem}_quick", self.small) if quick else (self.problem, self.size)
        return Race(problem, f"{self.title}, {size}: {backend}", LEAST)


WORKLOADS = (
    Workload("black_scholes", "Black-Scholes, price and five greeks", "10^6 options", "10^3 options"),
    Workload("kmeans", "k-means, gradient and diagonal of the Hessian", "k=5 n=10000 d=35", "k=3 n=200 d=4"),
    Workload("long_orbit", "Lotka-Volterra, gradient in little memory", "10^4 Runge-Kutta steps", "300 steps"),
    Workload("nbody", "bodies, gradient through 256 leapfrog steps", "n=64", "n=5"),
    Workload("mlp", "network of two hidden layers, value and gradient", "64-128-128-1, batch 32", "5-6-7-1, batch 4"),
    Workload("tridiagonal", "tridiagonal system, value and gradient", "n=1000", "n=50"),
    Workload("attention", "causal attention, value and gradient", "128x64", "9x4"),
)


def rows(context: Context) -> list[Row]:
    """Per workload and back end a ratio and a compile time; of `auto`, at full size, the ratio is a gate."""
    return [row for workload in WORKLOADS for backend in BACKENDS for row in _rows(workload, backend, context)]


def _rows(workload: Workload, backend: str, context: Context) -> list[Row]:
    kind = "gate" if backend == "auto" and not context.quick else "aim"
    return race_rows(workload.race(context.quick, backend), context, backend, area=AREA, kind=kind)
