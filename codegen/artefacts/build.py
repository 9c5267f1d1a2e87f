"""The door: a library and the kinds of file that are wanted enter, the files and their contents leave."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ...lang.diagnostics import fail, suggest
from .files import MARK, write
from .library import Library, require_name

KINDS = {
    "so": "shared library",
    "h": "header for C and C++",
    "o": "object that the library is linked from",
    "ll": "text of the LLVM module before optimisation",
    "stablehlo": "StableHLO, one file per function",
}


def build(library: Library, folder: Path, emit: Sequence[str] = ("so", "h"), cpu: str = "native") -> list[Path]:
    """Write the files of a library; nothing is written when one of them cannot be made.

    Args:
        library: its functions, with known sizes.
        folder: where the files go.
        emit: kinds of file, of `KINDS`.
        cpu: the processor, see `target.target`.

    Raises E181 for a name that C does not have, E188 for a kind or a processor that there is not, E189 without a C
    compiler, E180 for files that cannot be written, E148 for functions of SciPy, and the diagnostics of the back ends.
    """
    require_name(library.name)
    for kind in emit:
        if kind not in KINDS:
            hint = suggest(kind, KINDS) or f"kinds: {', '.join(KINDS)}"
            raise fail("E188", f"there is no kind of file `{kind}`", hint=hint)
    contents: dict[str, bytes] = {}
    native = tuple(kind for kind in KINDS if kind in emit and kind != "stablehlo")
    if native:
        contents |= _native(library, native, cpu)
    if "stablehlo" in emit:
        from .stablehlo import portable

        contents |= {f"{function.name}.stablehlo": portable(function) for function in library.functions}
    return write(folder, contents)


def _native(library: Library, kinds: Sequence[str], cpu: str) -> dict[str, bytes]:
    from ..llvm.machine import compiled
    from .header import header
    from .link import linked
    from .target import target
    from .wrapper import write_library

    made = target(cpu)
    triple = made.machine.triple
    text, memory = write_library(library, triple, str(made.machine.target_data))
    place = f"{triple}, {made.cpu}"
    code = compiled(text, made.machine).code if {"so", "o"} & set(kinds) else b""
    makers = {
        "so": partial(linked, code, f"{library.name}.so"),
        "h": lambda: header(library, memory, MARK, place).encode(),
        "o": lambda: code,
        "ll": lambda: f"; {MARK}\n; for {place}\n{text}".encode(),
    }
    return {f"{library.name}.{kind}": makers[kind]() for kind in kinds}
