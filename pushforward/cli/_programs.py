"""What several verbs share: choosing a definition of a file, reading its inputs and writing values as text."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._module import Module, load
from .._program import Program
from ..lang.diagnostics import fail
from .report import Report

if TYPE_CHECKING:
    from .._operator import Operator


def add_program(parser: argparse.ArgumentParser, inputs: bool = True) -> None:
    """Arguments FILE [ENTRY] [name=VALUE …] and where data comes from."""
    parser.add_argument("file", metavar="FILE", help="a .pf file")
    add_real(parser)
    words = "a definition, then its inputs as name=VALUE" if inputs else "a definition, then sizes as name=VALUE"
    parser.add_argument("words", nargs="*", metavar="ENTRY | name=VALUE", help=words)
    if inputs:
        parser.add_argument("--data", metavar="DIR", help="folder of data files (default: PUSHFORWARD_DATA, then here)")
        parser.add_argument(
            "--backend", default="auto", choices=["auto", "reference", "xla", "llvm"], help="where to run it"
        )


def add_real(parser: argparse.ArgumentParser) -> None:
    """What `real` stands for in the text."""
    parser.add_argument("--real", default="f64", choices=["f64", "f32"], help="what the type `real` stands for")


def choose(options: argparse.Namespace) -> tuple[Module, Program, list[str]]:
    """The module, the chosen definition and the remaining words."""
    module = load(options.file, getattr(options, "real", "f64"))
    words = list(options.words)
    if words and "=" not in words[0]:
        return module, module[words[0]], words[1:]
    if len(module.names) == 1:
        return module, module[module.names[0]], words
    known = ", ".join(module.names) or "none"
    example = "".join(f"for example {options.file} {name}" for name in module.names[:1])
    hint = example or "write a definition: def f(x: f64): f64 = x"
    raise fail("E183", f"`{options.file}` has {len(module.names)} definitions: name one", actual=known, hint=hint)


def choose_operator(options: argparse.Namespace) -> tuple[Module, Operator, list[str]]:
    """The module, the operator of that name or the only one of the file, and the remaining words."""
    from .. import _wire

    module = load(options.file, options.real)
    words = list(options.words)
    if words and "=" not in words[0]:
        return module, module.operator(words[0]), words[1:]
    names = _wire.operator_names(module.checked)
    if len(names) != 1:
        hint = "name one of them" if names else "write one: operator heat(u)(x, t) = u_t - u_xx"
        message = f"`{options.file}` has {len(names)} operators"
        raise fail("E183", message, actual=", ".join(names) or "none", hint=hint)
    return module, module.operator(names[0]), words


def inputs(options: argparse.Namespace, words: Sequence[str]) -> dict[str, Any]:
    """The named values of the command line."""
    from ..semantics.datafiles import read_inputs

    folder = getattr(options, "data", None) or os.environ.get("PUSHFORWARD_DATA")
    return read_inputs(words, Path(folder) if folder else None)


def sizes(words: Sequence[str]) -> dict[str, int]:
    """Sizes given as name=NUMBER."""
    from ..semantics.datafiles import read_inputs

    found = read_inputs(words)
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            message, hint = f"the size `{name}` must be a whole number, zero or more", f"for example {name}=10"
            raise fail("E164", message, actual=str(value), hint=hint)
    return found


def note_sizes(program: Program, values: dict[str, Any], report: Report) -> dict[str, int]:
    """Say on standard error which sizes the shapes gave."""
    from ..semantics.values import bind

    found = dict(bind(program.signature, program.ir.sizes, (), values).sizes)
    inferred = {name: size for name, size in found.items() if name not in values}
    if inferred:
        report.note("sizes: " + ", ".join(f"{name} = {size}" for name, size in inferred.items()))
    return found


def show(value: Any) -> str:
    """A value as the language writes it: ``[1.0, 2.0]``, ``{mu = 0.5}``; constructors by number, ``#0(1.5)``."""
    return "".join(_pieces(value))


def _pieces(value: Any) -> Iterator[str]:
    from ..semantics.interpreter import Variant

    if isinstance(value, Variant):
        yield f"#{value.tag}"
        value = value.payload
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, dict):
        yield from _joined("{", ([f"{name} = ", *_pieces(item)] for name, item in value.items()), "}")
    elif isinstance(value, tuple):
        yield from _joined("(", (list(_pieces(item)) for item in value), ")")
    elif isinstance(value, list):
        yield from _joined("[", (list(_pieces(item)) for item in value), "]")
    else:
        yield str(value)


def _joined(opening: str, parts: Iterator[list[str]] | Any, closing: str) -> Iterator[str]:
    yield opening
    for index, part in enumerate(parts):
        if index:
            yield ", "
        yield from part
    yield closing
