"""Pushforward: differentiate, interpret, compile and prove small functional array programs.

The names below are the public interface. Each is imported on first use (PEP 562), so that the import itself
costs nothing and a command loads only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names for type checkers and editors
    from ._build import build
    from ._jet import jet
    from ._jit import jit
    from ._module import Module, check, load, parse
    from ._nan import explain_nan
    from ._operator import Operator, operator
    from ._pinn import pinn
    from ._probe import probe
    from ._problem import Problem
    from ._program import Program
    from ._spec import spec
    from ._trace import trace
    from ._transform import forward, grad, hessian, jacobian, jvp, reverse, value_and_grad, vjp, vmap
    from ._verify import recheck
    from .ad.operators.plan import Plan
    from .ad.operators.smoothness import NotSmoothWarning
    from .lang.diagnostics import Diagnostic, DiagnosticError
    from .semantics.solving.domains import Ball, Box
    from .semantics.solving.solution import Solution

__version__ = "0.1.0"

_EXPORTS = {
    "Ball": ".semantics.solving.domains",
    "Box": ".semantics.solving.domains",
    "Diagnostic": ".lang.diagnostics",
    "DiagnosticError": ".lang.diagnostics",
    "Module": "._module",
    "NotSmoothWarning": ".ad.operators.smoothness",
    "Operator": "._operator",
    "Plan": ".ad.operators.plan",
    "Problem": "._problem",
    "Program": "._program",
    "Solution": ".semantics.solving.solution",
    "build": "._build",
    "check": "._module",
    "explain_nan": "._nan",
    "forward": "._transform",
    "grad": "._transform",
    "hessian": "._transform",
    "jacobian": "._transform",
    "jet": "._jet",
    "jit": "._jit",
    "jvp": "._transform",
    "load": "._module",
    "operator": "._operator",
    "parse": "._module",
    "pinn": "._pinn",
    "probe": "._probe",
    "recheck": "._verify",
    "reverse": "._transform",
    "spec": "._spec",
    "trace": "._trace",
    "value_and_grad": "._transform",
    "vjp": "._transform",
    "vmap": "._transform",
}

__all__ = [
    "Ball",
    "Box",
    "Diagnostic",
    "DiagnosticError",
    "Module",
    "NotSmoothWarning",
    "Operator",
    "Plan",
    "Problem",
    "Program",
    "Solution",
    "__version__",
    "build",
    "check",
    "explain_nan",
    "forward",
    "grad",
    "hessian",
    "jacobian",
    "jet",
    "jit",
    "jvp",
    "load",
    "operator",
    "parse",
    "pinn",
    "probe",
    "recheck",
    "reverse",
    "spec",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module(".strategies", __name__)
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
