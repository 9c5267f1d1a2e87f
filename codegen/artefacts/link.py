"""The system's C compiler as a linker: an object enters, a shared library leaves."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ...lang.diagnostics import fail

NAMES = ("cc", "gcc", "clang")
_HINT = "install gcc or clang, or name a compiler in CC; the object (--emit o) and the header (--emit h) need none"


def compiler() -> list[str]:
    """The words of the C compiler: those of the variable CC, else the first of cc, gcc and clang; E189 without one."""
    named = os.environ.get("CC", "")
    words = shlex.split(named)
    if words and shutil.which(words[0]):
        return words
    if words:
        raise fail("E189", f"the C compiler of the variable CC is not there: `{named}`", hint=_HINT)
    found = next((name for name in NAMES if shutil.which(name)), None)
    if found is None:
        raise fail(
            "E189", "there is no C compiler, which links the library", actual="none of cc, gcc, clang", hint=_HINT
        )
    return [found]


def linked(code: bytes, name: str) -> bytes:
    """The shared library `name` of an object; the same bytes whenever and wherever it is linked by the same tools."""
    command = compiler()
    with TemporaryDirectory() as folder:
        source, made = Path(folder, f"{name}.o"), Path(folder, name)
        source.write_bytes(code)
        words = [*command, "-shared", "-o", str(made), str(source), *_flags(name), "-lm"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode or not made.exists():
            said = (done.stderr.strip().splitlines() or ["nothing"])[0].replace(folder, "")
            raise fail("E189", f"`{shlex.join(command)}` cannot link the library", actual=said, hint=_HINT)
        return made.read_bytes()


def _flags(name: str) -> list[str]:
    if sys.platform == "darwin":
        return [f"-Wl,-install_name,@rpath/{name}"]
    return ["-Wl,--build-id=none", f"-Wl,-soname,{name}", "-Wl,-z,defs"]
