"""A small boundary value problem, trained in a few seconds; run as a program it prints its history as JSON."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp

import pushforward as pf

OPERATOR = pf.operator("u_xx + u", variables="x")
SETTINGS: dict[str, Any] = {"width": 32, "depth": 3, "steps": 2000, "batch": 32}


def exact(x: Any) -> Any:
    return (1 - x**2) * jnp.sin(3 * x)


def source(x: Any) -> Any:
    """The operator of the exact solution, by hand."""
    return (8 * x**2 - 10) * jnp.sin(3 * x) - 12 * x * jnp.cos(3 * x)


PROBLEM = pf.Problem(OPERATOR, pf.Box([(-1, 1)]), source=source, exact=exact)

if __name__ == "__main__":
    found = pf.pinn(PROBLEM, **SETTINGS)
    try:
        pf.pinn(PROBLEM, **{**SETTINGS, "batch": 7})
        refused = ""
    except pf.DiagnosticError as error:
        refused = error.diagnostics[0].code
    print(json.dumps({"devices": len(jax.devices()), "history": found.history, "refused": refused}))
