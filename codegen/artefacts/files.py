"""Files that appear as a whole: contents by name enter, paths leave."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...lang.diagnostics import fail

MARK = "Written by `pf build`; changes are lost when it is built again."


def write(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Put files into a folder, which is made where it is missing; readers see the old file or the new one.

    E180 when that fails, and when a header or LLVM text in the way was not written by this function: people write such
    files, and nobody writes the others.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in contents:
            _require_own(folder / name)
        return [_replace(folder / name, content) for name, content in contents.items()]
    except OSError as error:
        hint = "name another folder with --out (in Python: out=)"
        raise fail("E180", f"cannot write into `{folder}`: {error.strerror or error}", hint=hint) from None


def _require_own(path: Path) -> None:
    if path.suffix in (".h", ".ll") and path.exists() and MARK.encode() not in path.read_bytes()[:200]:
        hint = "move it away, or build under another name (--name) or into another folder (--out)"
        raise fail("E180", f"`{path}` is there and was not written by `pf build`", hint=hint)


def _replace(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    mode = 0o777 if path.suffix == ".so" else 0o666
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path
