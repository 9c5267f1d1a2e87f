"""Native code kept on disk: what a program became enters, and is there again in later processes.

An entry is a file named by its key, a hash of all that decides the code: the program, the source of the compiler, the
versions of the libraries under it, and the processor. The first line of the file is the SHA-256 of the rest; then comes
a header, and then the object code. An entry that is not exactly what was written is not there. The folder must belong
to the user alone, since what lies in it is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from llvmlite import __version__ as llvmlite_version
from llvmlite import binding

from ...lang.diagnostics import Diagnostic, render
from ...lang.ir import Program

VARIABLE = "PUSHFORWARD_CACHE"
SUFFIX = ".native"
PART = ".part"
LIMIT = 512 << 20  # bytes of all entries
LOOSE = 0o022  # others may write


@dataclass(frozen=True, slots=True)
class Native:
    """Object code, how many bytes of scratch memory it wants, and the functions of SciPy that it calls."""

    code: bytes = field(repr=False)
    scratch: int
    functions: tuple[str, ...] = ()


def folder() -> Path | None:
    """Where entries stand, whether or not it exists; None when nothing is to be kept.

    It is $PUSHFORWARD_CACHE (``off``: nothing is kept), else pushforward in $XDG_CACHE_HOME or ~/.cache.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == "off" else Path(named)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # others are to be ignored, as the convention says
        base = os.path.expanduser("~/.cache")
    return Path(base) / "pushforward" if os.path.isabs(base) else None


def contents() -> tuple[int, int]:
    """How many entries are kept, and their bytes."""
    place = folder()
    sizes = [] if place is None else [size for _, size, path in _files(place) if path.suffix == SUFFIX]
    return len(sizes), sum(sizes)


@cache
def _compiler() -> str | None:
    """What else than the program decides the code: this compiler, what it stands on, and the processor."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    try:
        sources = sorted([*here.glob("*.py"), *(here.parents[1] / "lang").rglob("*.py")])
        for source in sources:
            digest.update(source.read_bytes())
    except OSError:
        return None
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else ""
    parts = (
        digest.hexdigest() if sources else None,
        np.__version__,  # folds constants
        llvmlite_version,
        binding.llvm_version_info,
        binding.get_default_triple(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        libc,
    )
    return repr(parts) if sources else None


def key(program: Program) -> str | None:
    """The name of the entry of a program; None when none can be kept."""
    compiler = _compiler()
    if folder() is None or compiler is None:
        return None
    return hashlib.sha256(f"{program.digest} {compiler}".encode()).hexdigest()


def read(name: str) -> Native | None:
    """The entry of that name, when it is there and whole."""
    place = _own_folder(make=False)
    if place is None:
        return None
    path = place / f"{name}{SUFFIX}"
    try:
        data = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):  # what was used last stays longest
        os.utime(path)
    return _unpacked(name, data)


def write(name: str, native: Native) -> None:
    """Keep an entry, if that can be done; other processes see all of it or nothing."""
    place = _own_folder(make=True)
    if place is None:
        return
    part: str | None = None
    try:
        descriptor, part = tempfile.mkstemp(SUFFIX + PART, dir=place)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_packed(name, native))
        os.replace(part, place / f"{name}{SUFFIX}")
    except OSError:  # a full disk, or one that cannot be written: programs run all the same
        if part is not None:
            with suppress(OSError):
                os.unlink(part)
        return
    _evict(place)


def _packed(name: str, native: Native) -> bytes:
    header = {"key": name, "scratch": native.scratch, "functions": native.functions}
    rest = json.dumps(header).encode() + b"\n" + native.code
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _unpacked(name: str, data: bytes) -> Native | None:
    digest, _, rest = data.partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        return None
    line, _, code = rest.partition(b"\n")
    try:
        header = json.loads(line)
        return Native(code, header["scratch"], tuple(header["functions"])) if header["key"] == name else None
    except (ValueError, LookupError, TypeError):
        return None


def _own_folder(*, make: bool) -> Path | None:
    """The folder, made when it is not there, if nobody else can put anything into it."""
    place = folder()
    if place is None:
        return None
    try:
        if make:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.stat()
    except OSError:
        return None
    if found.st_uid == os.geteuid() and not found.st_mode & LOOSE:
        return place
    _refuse(place, "others may write to it" if found.st_uid == os.geteuid() else "it belongs to another user")
    return None


@cache
def _refuse(place: Path, why: str) -> None:
    """Say once why a folder is not used."""
    hint = f"make it yours alone (chmod 700), or name another folder in {VARIABLE}; `off` keeps nothing"
    message = f"native code is not kept in {place}: {why}"
    warnings.warn(render(Diagnostic("E149", message, hint=hint, severity="warning")), stacklevel=2)


def _files(place: Path) -> Iterator[tuple[int, int, Path]]:
    """The time, the size and the path of what stands there and is ours, also what a killed process left half done."""
    with suppress(OSError), os.scandir(place) as found:
        for entry in found:
            if entry.name.endswith((SUFFIX, SUFFIX + PART)):
                with suppress(OSError):
                    stat = entry.stat(follow_symlinks=False)
                    yield stat.st_mtime_ns, stat.st_size, Path(entry.path)


def _evict(place: Path) -> None:
    """Remove the entries that were not used for longest until the rest is small enough."""
    found = sorted(_files(place))
    total = sum(size for _, size, _ in found)
    for _, size, path in found:
        if total <= LIMIT:
            return
        with suppress(OSError):
            path.unlink()
        total -= size
