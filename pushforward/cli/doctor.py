"""`pf doctor`: which parts are here and work, one line each."""

from __future__ import annotations

import argparse
import os
import platform
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .report import Report

if TYPE_CHECKING:
    from .._program import Backend

# distribution, module, whether the core needs it, what it is for
PARTS = (
    ("numpy", "numpy", True, "the reference back end"),
    ("lark", "lark", True, "the parse tables of the language"),
    ("jax", "jax", True, "the xla back end"),
    ("scipy", "scipy", True, "special functions"),
    ("rich", "rich", True, "colours in a terminal"),
    ("llvmlite", "llvmlite", True, "the llvm back end"),
    ("z3-solver", "z3", True, "size conditions that do not decide themselves"),
    ("sympy", "sympy", True, "symbolic work"),
    ("mpmath", "mpmath", True, "oracles of primitives"),
    ("hypothesis", "hypothesis", True, "property tests"),
    ("matplotlib", "matplotlib", False, "plots of the examples"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="look only, do not start the back ends")


def run(options: argparse.Namespace, report: Report) -> int:
    from .. import __version__

    rows = [("pushforward", "ok", __version__), ("python", "ok", platform.python_version())]
    rows += [_part(*part) for part in PARTS]
    if not options.quick:
        rows += [_reference(), _xla(), _llvm(), _compiler()]
    if find_spec("llvmlite") is not None:
        rows.append(_kept())
    folder = os.environ.get("PUSHFORWARD_DATA")
    rows.append(("data folder", "ok" if folder else "no", folder or "PUSHFORWARD_DATA is not set; generators are used"))
    for name, state, text in rows:
        report.line(f"{state:4} {name:18} {text}")
    report.put({"parts": [dict(zip(("name", "state", "text"), row, strict=True)) for row in rows]})
    missing = [name for name, state, _ in rows if state == "MISS"]
    if missing:
        report.note(f"missing: {', '.join(missing)}; run `pip install {' '.join(missing)}`")
    return 2 if missing else 0


def _part(distribution: str, module: str, needed: bool, purpose: str) -> tuple[str, str, str]:
    if find_spec(module) is None:
        return distribution, "MISS" if needed else "no", f"not installed; {purpose}"
    return distribution, "ok", f"{metadata.version(distribution)}; {purpose}"


def _reference() -> tuple[str, str, str]:
    return _try("reference back end", "reference", "NumPy")


def _xla() -> tuple[str, str, str]:
    if find_spec("jax") is None:
        return "xla back end", "no", "jax is not installed"
    import jax

    devices = sorted({device.platform for device in jax.devices()})
    return _try("xla back end", "xla", f"on {', '.join(devices)}")


def _llvm() -> tuple[str, str, str]:
    if find_spec("llvmlite") is None:
        return "llvm back end", "no", "llvmlite is not installed"
    from llvmlite import binding

    return _try("llvm back end", "llvm", f"for {binding.get_host_cpu_name()}")


def _compiler() -> tuple[str, str, str]:
    from ..codegen.artefacts.link import compiler
    from ..lang.diagnostics import DiagnosticError

    try:
        return "C compiler", "ok", f"{' '.join(compiler())}; links the libraries of `pf build`"
    except DiagnosticError as error:
        return "C compiler", "no", f"{error.diagnostics[0].message}; `pf build` makes objects and headers"


def _kept() -> tuple[str, str, str]:
    """The folder of native code that later processes use again."""
    from ..codegen.llvm.cache import VARIABLE, contents, folder

    place = folder()
    if place is None:
        return "kept native code", "no", f"{VARIABLE} is off"
    entries, size = contents()
    return "kept native code", "ok", f"{place}: {entries} entries, {size / 1e6:.1f} MB"


def _try(name: str, backend: Backend, text: str) -> tuple[str, str, str]:
    """Evaluate a small program; a back end that cannot is reported, not raised."""
    from .. import parse

    try:
        value = parse("def double(x: f64): f64 = x + x")["double"].compile(backend)(1.5)
        return (name, "ok", text) if value == 3.0 else (name, "BAD", f"1.5 + 1.5 gave {value}")
    except Exception as error:
        return name, "BAD", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
