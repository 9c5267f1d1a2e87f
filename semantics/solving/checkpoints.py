"""Checkpoints: the state of a training enters and leaves as one file, which is written whole or not at all.

The file is an archive of NumPy arrays, one of which is JSON text: what was trained, and how far. Nothing in it can run.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...lang.diagnostics import fail

NAME = "checkpoint.npz"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Saved:
    """The leaves of parameters and optimiser after `step` steps, and the rows of the history until then.

    `program` is a digest of the compiled steps.
    """

    step: int
    leaves: Sequence[Any]
    history: Sequence[tuple[int, float, float | None]]
    program: str


def write_archive(path: Path, arrays: Mapping[str, np.ndarray], words: Mapping[str, Any]) -> None:
    """Arrays and JSON data in one file that appears complete or not at all; E180 when it cannot be written."""
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    try:
        handle, part = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **{"words": text, **arrays})
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        hint = "name a folder that exists and may be written to"
        raise fail("E180", f"cannot write `{path}`: {error.strerror or error}", hint=hint) from None


def prepare(folder: Path) -> None:
    """Make the folder; E180 where that is not possible, before anything is trained."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name a folder that may be written to"
        raise fail("E180", f"cannot keep checkpoints in `{folder}`: {error.strerror or error}", hint=hint) from None


def save(folder: Path, saved: Saved, settings: Mapping[str, Any]) -> None:
    """Replace the checkpoint of a folder."""
    arrays = {f"leaf_{number}": leaf for number, leaf in enumerate(saved.leaves)}
    rows = [list(row) for row in saved.history]
    words = {
        "schema": SCHEMA,
        "settings": dict(settings),
        "step": saved.step,
        "history": rows,
        "program": saved.program,
    }
    write_archive(folder / NAME, arrays, words)


def restore(folder: Path, settings: Mapping[str, Any], like: Sequence[Any]) -> Saved | None:
    """The checkpoint of a folder, or None where there is none.

    Raises E240 when it belongs to another problem or other settings, E241 when it cannot be read. `like` holds arrays
    of the shapes and dtypes of the leaves.
    """
    path = folder / NAME
    if not path.exists():
        return None
    words, leaves = _read(path)
    compare(folder, words["settings"], settings)
    shapes = [(tuple(leaf.shape), str(leaf.dtype)) for leaf in leaves]
    compare(folder, {"arrays": shapes}, {"arrays": [(tuple(leaf.shape), str(leaf.dtype)) for leaf in like]})
    rows = [(step, loss, error) for step, loss, error in words["history"]]
    return Saved(words["step"], leaves, rows, words["program"])


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            words = json.loads(archive["words"].tobytes())
            leaves = [archive[f"leaf_{number}"] for number in range(len(archive.files) - 1)]
        if words["schema"] != SCHEMA or not isinstance(words["step"], int) or not isinstance(words["settings"], dict):
            raise ValueError("not of this version")
        _ = words["program"], [(int(step), float(loss)) for step, loss, _ in words["history"]]
        return words, leaves
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, str(error) or type(error).__name__) from None


def _unreadable(path: Path, why: str) -> Exception:
    hint = "remove the file to start anew, or name another folder"
    return fail("E241", f"`{path}` is no checkpoint that can be read: {why}", hint=hint)


def compare(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """E240 names the first setting of a checkpoint that differs."""
    for name in [*wanted, *found]:
        if found.get(name) != wanted.get(name):
            raise fail(
                "E240",
                f"`{folder / NAME}` is the checkpoint of another training: {name} differs",
                expected=f"{wanted.get(name)}"[:80],
                actual=f"{found.get(name)}"[:80],
                hint="give the settings it was made with, name another folder, or remove the file",
            )
