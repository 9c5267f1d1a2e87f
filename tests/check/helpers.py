"""Checking a text on its own: no imports, and a small library in place of the prelude."""

from __future__ import annotations

from pushforward.lang.check import check_module
from pushforward.lang.diagnostics import fail
from pushforward.lang.source import Source
from pushforward.lang.surface.parser import parse
from pushforward.lang.typed import CheckedModule
from pushforward.lang.types import show_type

MODULES: dict[str, str] = {
    "shapes.pf": "data Shape = Ball(f64) | Box([3]f64)\n"
    "def unit(): Shape = Ball(1.0)\n"
    "def twice(x: f64): f64 = 2.0 * x\n",
    "circles.pf": "def twice(r: f64): f64 = r + r\n",
    "forms.pf": "data Shape = Form(f64)\n",
}


def load(path: str) -> CheckedModule:
    """The modules that tests may import."""
    if path not in MODULES:
        raise fail("E015", f"there is no {path}")
    return check(MODULES[path], path)


def check(text: str, name: str = "<text>", real: str = "f64") -> CheckedModule:
    """Parse and check a text."""
    source = Source(name, text)
    return check_module(parse(source), name, source, load, lambda word: None, real)


def scheme(text: str, name: str | None = None) -> str:
    """The scheme of one definition of a text without errors, the last one when no name is given."""
    module = check(text)
    assert not module.diagnostics, "\n\n".join(str(found) for found in module.diagnostics)
    found = module.definitions[name or list(module.definitions)[-1]].scheme
    parameters = ", ".join(f"{n}: {show_type(t)}" for n, t in found.parameters)
    conditions = "".join(f" | {size} >= {least}" for size, least, _ in found.conditions)
    return f"({parameters}) -> {show_type(found.result)}{conditions}"


def codes(text: str) -> list[str]:
    """The codes of the diagnostics of a text."""
    return [found.code for found in check(text).diagnostics]
