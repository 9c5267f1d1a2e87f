"""Reads the named inputs of a command: ``name=VALUE`` words enter, plain values and arrays leave.

A VALUE is a literal or ``@file.json``, ``@file.json:key``, ``@file.npz:key``, ``@file.npy``, ``@file.csv:col1,col2`` or
``@-`` (JSON on standard input). Files are data: sizes are bounded, NumPy files are read without pickle.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..lang.diagnostics import DiagnosticError, fail, suggest
from .literals import MAX_DEPTH, parse_literal

MAX_BYTES = 256 << 20


def read_inputs(words: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """Values by name from ``name=VALUE`` words; `folder` is where relative data files are looked for first.

    >>> read_inputs(["n=3", "x=[1, 2.5]"])
    {'n': 3, 'x': [1, 2.5]}
    """
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise fail("E173", f"`{word}` is not an input", hint="inputs are written name=VALUE, for example x=1.5")
        if name in values:
            raise fail("E173", f"the input `{name}` is given twice", hint="remove one of the two")
        values[name] = read_value(text.strip(), name, folder)
        _refuse_missing(values[name], name)
    return values


def read_value(text: str, name: str, folder: Path | None = None) -> Any:
    """One VALUE: a literal, or the content of the file that ``@`` names."""
    if not text.startswith("@"):
        return parse_literal(text, name)
    if text == "@-":
        return _json(_bounded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"), "standard input")
    path, key = _split_key(text[1:], folder)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise fail("E168", f"`{path.name}` is of no known data format", hint=f"known file endings: {known}")
    return reader(path, key)


def _split_key(text: str, folder: Path | None) -> tuple[Path, str | None]:
    """Split ``file:key`` at the last colon, unless a file of the whole name exists."""
    whole = _locate(text, folder)
    if ":" not in text or whole.exists():
        return whole, None
    name, _, key = text.rpartition(":")
    return _locate(name, folder), key or None


def _locate(name: str, folder: Path | None) -> Path:
    if "\0" in name:
        raise fail("E167", "a file name cannot hold a NUL character", hint="check the path")
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        raise fail("E167", f"`{name}` is in the home folder of nobody", hint="check the path") from None
    if folder is not None and not path.is_absolute() and (folder / path).exists():
        return folder / path
    return path


def _bytes(path: Path) -> bytes:
    _check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            hint = f"name a file in it: @{path}/data.json"
            raise fail("E167", f"`{path}` is a directory, not a data file", hint=hint)
        if path.stat().st_size > MAX_BYTES:
            raise _oversize(str(path))
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> DiagnosticError:
    hint = "check the path; --data DIR names the folder that relative paths start from"
    return fail("E167", f"cannot read `{path}`: {error.strerror or error}", hint=hint)


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise _oversize(name)
    return data


def _oversize(name: str) -> DiagnosticError:
    return fail("E167", f"{name} is larger than {MAX_BYTES >> 20} MiB", hint="use a smaller extract of the data")


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise fail("E167", f"{name} is not UTF-8 text (byte {error.start})", hint=hint) from None


def _json(data: bytes, name: str) -> Any:
    try:
        return _checked_depth(json.loads(_text(data, name)), name)
    except json.JSONDecodeError as error:
        raise fail(
            "E167",
            f"{name} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            hint='JSON looks like {"mu": 0.5, "x": [1, 2]}; the end of the file name tells the format',
        ) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise fail("E167", f"{name} holds a number of too many digits", hint="write it as 1e400") from error


def _checked_depth(value: Any, name: str) -> Any:
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise _too_deep(name)
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(child for child in item.values() if isinstance(child, (dict, list)))
            elif isinstance(item, list):
                inner.extend(child for child in item if isinstance(child, (dict, list)))
        level, depth = inner, depth + 1
    return value


def _too_deep(name: str) -> DiagnosticError:
    hint = "flatten the data: arrays of the language have few axes"
    return fail("E167", f"{name} nests deeper than {MAX_DEPTH} levels", hint=hint)


def _read_json(path: Path, key: str | None) -> Any:
    value = _json(_bytes(path), str(path))
    for part in key.split(".") if key else ():
        if not isinstance(value, dict) or part not in value:
            known = [str(item) for item in value] if isinstance(value, dict) else []
            raise _no_key(path, part, known)
        value = value[part]
    return value


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    _check_file(path)
    try:
        # the file is opened here because NumPy leaves it open when it is damaged
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            if key is None and len(names) == 1:
                key = names[0]
            if key not in names:
                raise _no_key(path, key, names)
            if archive.zip.getinfo(f"{key}.npy").file_size > MAX_BYTES:
                raise _oversize(f"`{key}` of {path}")
            return archive[key]
    except DiagnosticError:
        raise
    except Exception as error:  # NumPy raises many kinds for a damaged archive
        raise _no_numpy_data(path, error) from None


def _no_numpy_data(path: Path, error: Exception) -> DiagnosticError:
    hint = "write it with numpy.save or numpy.savez, from arrays of numbers"
    return fail("E167", f"cannot read `{path}` as NumPy data: {error}", hint=hint)


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    _check_file(path)
    if key is not None:
        raise _no_key(path, key, [])
    try:
        with path.open("rb") as file:
            return np.load(file, allow_pickle=False)
    except Exception as error:  # NumPy raises many kinds for a damaged file
        raise _no_numpy_data(path, error) from None


def _read_csv(path: Path, key: str | None) -> np.ndarray:
    """Columns by name (or all): one column gives a vector, several a matrix of rows."""
    numbered = _rows(path)
    if not numbered:
        raise fail("E167", f"`{path}` has no rows", hint="a table is one row per line, with commas between the cells")
    header = [cell.strip() for cell in numbered[0][1]]
    named = not all(_is_number(cell) for cell in header)
    columns = header if named else [str(index) for index in range(len(header))]
    wanted = [name.strip() for name in key.split(",")] if key else columns
    for name in wanted:
        if columns.count(name) != 1:
            raise _no_key(path, name, columns)
    picks = [columns.index(name) for name in wanted]
    body = numbered[1:] if named else numbered
    table = [[_cell(path, row, pick, number, columns) for pick in picks] for number, row in body]
    array = np.array(table, dtype=np.float64).reshape(len(body), len(picks))
    return array[:, 0] if len(picks) == 1 else array


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that hold something, with their line numbers; none has more cells than the first."""
    reader = csv.reader(io.StringIO(_text(_bytes(path), str(path)), newline=""), strict=True)
    try:
        found = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        line = f"line {reader.line_num} of {path}"
        raise fail("E167", f"{line} is no row of a table: {error}", hint="is a quote not closed?") from None
    for line, row in found:
        if any(cell.strip() for cell in row[len(found[0][1]) :]):
            message = f"line {line} of {path} has {len(row)} cells, but the first row has {len(found[0][1])}"
            raise fail("E167", message, hint="is a comma too much, or the decimal mark a comma?")
    return found


def _is_number(text: str) -> bool:
    """Whether a cell is a number as the language writes it, without the underscores that Python allows."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _cell(path: Path, row: list[str], pick: int, line: int, columns: list[str]) -> float:
    text = row[pick].strip() if pick < len(row) else ""
    if not _is_number(text) or text.lower() == "nan":
        what = f"`{text}`" if text else "nothing"
        message = f"line {line} of {path}, column `{columns[pick]}` holds {what}, not a number"
        raise fail("E171", message, hint=f"correct the cell, or pick columns of numbers: @{path}:NAME,NAME")
    return float(text)


def _no_key(path: Path, key: str | None, known: list[str]) -> DiagnosticError:
    if key is None:
        return fail("E169", f"say which array of `{path}` to read", hint=f"@{path}:NAME, one of {', '.join(known)}")
    if key in known:
        return fail("E169", f"`{path}` has several `{key}`", hint="give the columns different names")
    listed = f"it has {', '.join(known)}" if known else "it has no named parts"
    return fail("E169", f"`{path}` has no `{key}`", hint=suggest(key, known) or listed)


_READERS: dict[str, Callable[[Path, str | None], Any]] = {
    ".json": _read_json,
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_csv,
}


def _refuse_missing(value: Any, place: str) -> None:
    """Data with holes (NaN, null) is refused by position."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and np.isnan(value).any():
            index = tuple(int(axis[0]) for axis in np.nonzero(np.isnan(value)))
            raise _missing(place + (f"[{', '.join(map(str, index))}]" if index else ""), "NaN")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_missing(item, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if item is None or isinstance(item, (list, tuple, dict, float)):
                _refuse_missing(item, f"{place}[{index}]")
    elif value is None or value != value:
        raise _missing(place, "nothing (null)" if value is None else "NaN")


def _missing(place: str, what: str) -> DiagnosticError:
    return fail("E171", f"`{place}` is {what}", hint="remove or fill the missing values first")
