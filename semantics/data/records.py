"""Bounded reading of whitespace-separated numeric files.

A path goes in; a cursor over finite numbers comes out, and every way the file can be wrong (missing, too
large, not a number, ending early, going on too long) is a `Diagnostic` that names the file and the field.
Nothing is allocated from a size the file merely claims: sizes are checked against the numbers present.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ...lang.diagnostics import fail

MAX_BYTES = 256 * 1024 * 1024
MAX_SIZE = 100_000_000


def malformed(path: Path, message: str, hint: str) -> NoReturn:
    """Raise the diagnostic for a data file that does not follow its format."""
    raise fail("E167", f"{path.name}: {message}", hint=hint)


def read_text(path: Path) -> str:
    """Return the file's ASCII text; a missing, oversize or non-text file is a diagnostic."""
    if not path.is_file():
        malformed(path, "no such data file", "check the folder given by --data or PUSHFORWARD_DATA")
    if path.stat().st_size > MAX_BYTES:
        malformed(path, f"larger than {MAX_BYTES // 2**20} MiB", "split the data or use a smaller problem")
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        malformed(path, "not a text file", "the format is whitespace-separated decimal numbers")


@dataclass
class Numbers:
    """A cursor over the numbers of one file, read field by field."""

    path: Path
    values: NDArray[np.float64]
    position: int = field(default=0)

    @staticmethod
    def of(path: Path) -> Numbers:
        """Read all numbers of a file.

        >>> import tempfile
        >>> name = Path(tempfile.mkdtemp()) / "three.txt"
        >>> _ = name.write_text("2 3 4")
        >>> Numbers.of(name).take("pair", 2)
        array([2., 3.])
        """
        return Numbers(path, parse_numbers(path, read_text(path).split()))

    def size(self, name: str, minimum: int = 1) -> int:
        """Take one number that must be a whole size between `minimum` and `MAX_SIZE`."""
        value = float(self.take(name, 1)[0])
        if value != int(value) or not minimum <= value <= MAX_SIZE:
            malformed(
                self.path,
                f"{name} is {value:g}, not a whole number from {minimum} to {MAX_SIZE}",
                "the first line of the file states the sizes",
            )
        return int(value)

    def take(self, name: str, *shape: int) -> NDArray[np.float64]:
        """Take the next numbers as an array of `shape`."""
        count = int(np.prod([int(extent) for extent in shape], dtype=object))
        left = len(self.values) - self.position
        if count > left:
            malformed(
                self.path,
                f"{name} needs {count} numbers, the file has {left} left",
                "the file is cut short, or its first line states other sizes",
            )
        taken = self.values[self.position : self.position + count]
        self.position += count
        return taken.reshape(shape)

    def finish(self) -> None:
        """Require that every number was used."""
        left = len(self.values) - self.position
        if left:
            malformed(
                self.path,
                f"{left} numbers left after the last field",
                "the file's first line states other sizes than its contents",
            )


def parse_numbers(path: Path, words: list[str]) -> NDArray[np.float64]:
    """Parse decimal words; a word that is not a finite number is a diagnostic."""
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        malformed(path, f"{_first_bad(words)!r} is not a number", "the format holds decimal numbers only")
    if not np.isfinite(values).all():
        position = int(np.argmin(np.isfinite(values)))
        malformed(path, f"{words[position]!r} is not finite", "the format holds finite numbers only")
    return values


def _first_bad(words: list[str]) -> str:
    for word in words:
        try:
            float(word)
        except ValueError:
            return word[:40]
    return ""


def lines_of(*arrays: NDArray[np.float64]) -> str:
    """Write arrays as text lines that read back bit for bit, one line per row of the last axis."""
    rows = [row for array in arrays for row in np.atleast_2d(array)]
    return "".join(" ".join(repr(float(value)) for value in row) + "\n" for row in rows)
