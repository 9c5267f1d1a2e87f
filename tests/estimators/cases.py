"""Functions and operators that several tests estimate."""

from __future__ import annotations

from typing import Any

import numpy as np

import pushforward as pf

MODULE = pf.parse(
    """
def quartic[n](x: [n]f64): f64 = sum(for i < n => x[i]^4) + (x @ x)^2
def saddle[n](x: [n]f64): f64 = x[0]^2 - x[1]^2
def product[n](x: [n]f64): f64 = x[0] * x[1]
def waves[n](x: [n]f64, t: f64): f64 = exp(t) * sum(for i < n => sin(x[i] * (1.0 + t)) * x[i]) + t^3 * (x @ x)^2
def other[n](x: [n]f64, t: f64): f64 = t * sum(for i < n => x[i]^4)
def pair[n, m](x: [n]f64, y: [m]f64): f64 = sum(for i < n => x[i]^4) * (1.0 + y @ y) + sum(for i < m => y[i]^6)
def quotient[n](x: [n]f64): f64 = log((1.0 + x @ x) / 2.0)
"""
)
POINT = np.linspace(-0.7, 1.1, 9)
LAPLACIAN = pf.operator("laplacian(u)", variables="x[n]")


def exact(operator: pf.Operator, field: Any, *point: Any, **parameters: Any) -> float:
    fields = field if isinstance(field, tuple) else (field,)
    return operator(*fields, **parameters)(*point)
