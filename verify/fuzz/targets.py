"""What is fuzzed: for each reader, how an input is made and how it is read."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ...lang.module import parse_module
from ...lang.surface import limits
from ...semantics.data import adbench, adbench_hand
from ...semantics.datafiles import read_inputs
from ...semantics.literals import parse_literal
from . import sentences
from .damage import damaged, damaged_tokens

SEED_TEXTS = (
    "def rosenbrock(x: f64, y: f64): f64 = (1.0 - x)^2 + 100.0 * (y - x^2)^2\n",
    "def dot[n](x: [n]f64, y: [n]f64): f64 = sum(for i < n => x[i] * y[i])\n",
    "data Tree[a: type] = Leaf(a) | Node(Tree[a], Tree[a])\n"
    "def total(t: Tree[f64]): f64 = match t { Leaf(x) => x; Node(l, r) => total(l) + total(r) }\n",
    "def root(a: f64): f64 = (loop (x, d) = (1.0, 1.0) while d > 1e-14 limit 50 do (0.5 * (x + a / x), x)).0\n",
    "def back(x: f64, z: f64): f64 = 2.0 * x * z\ndef square(x: f64): f64 with vjp back = x * x\n",
    'test "square" {\n  check 2.0 * 3.0 ~= 6.0 within 1e-12\n  fails "E012" f(1.0)\n}\n',
    "def set[n](x: [n + 1]f64, v: f64): [n + 1]f64 = x with [n] = v -- a note\n",
    "def pair(r: {mu: f64, tau: (f64, i64)}): f64 = r.mu + r.tau.0 * grad(fn (x: f64) => x^3)(r.mu)\n",
    "def scans[n](x: [n]f64): [n]f64 = scan s = 0.0 for i < n do if x[i] > 0.0 then s + x[i] else s\n",
)


@dataclass(frozen=True)
class Target:
    """`make` gives the bytes of an input; `read` must return or raise a diagnostic."""

    name: str
    make: Callable[[Random], bytes]
    read: Callable[[bytes], object]
    share: float  # of the inputs of a soak: the parser has ten times as many as a data reader


# --- the parser and the checker --------------------------------------------------------------------------------------


def make_text(random: Random) -> bytes:
    """Sentences, damaged sentences, and damaged bytes of both and of sound programs."""
    kind = random.random()
    if kind < 0.3:
        seeds = [text.encode() for text in SEED_TEXTS]
        return damaged(random, seeds[random.randrange(len(seeds))], seeds)
    tokens = sentences.sentence(random, size=10 + random.randrange(80))
    if kind < 0.5:
        return " ".join(tokens).encode()
    if kind < 0.85:
        return " ".join(damaged_tokens(random, tokens, sentences.all_words())).encode()
    return damaged(random, " ".join(tokens).encode())


def read_text(data: bytes) -> object:
    """Decode, parse and, where that succeeds, check."""
    source = limits.decode("<fuzz>", data)
    return parse_module(source.text, "<fuzz>").diagnostics


# --- data readers ----------------------------------------------------------------------------------------------------


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="fuzz", dir=memory if memory.is_dir() else None)


def _file(data: bytes, name: str) -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


def _reader(name: str) -> Callable[[bytes], object]:
    """The reader of command-line inputs on a file of the given name."""

    def read(data: bytes) -> object:
        return read_inputs([f"x=@{_file(data, name)}"])

    return read


def _from(seeds: Callable[[], Sequence[bytes]]) -> Callable[[Random], bytes]:
    """Damaged bytes of valid files, made once."""
    kept = cache(seeds)

    def make(random: Random) -> bytes:
        data = kept()
        return damaged(random, data[random.randrange(len(data))], data)

    return make


def _json_seeds() -> Sequence[bytes]:
    values: list[Any] = [
        *([1, 2.5, -3e-4], {"x": [[1.0, 2.0], [3.0, 4.0]], "n": 3}, {"a": {"b": [True, False, None]}}),
        *("text", 1e308, [[[]]]),
    ]
    return [json.dumps(value).encode() for value in values]


def _csv_seeds() -> Sequence[bytes]:
    return [b"1,2,3\n4,5,6\n", b"t,hare,lynx\n0,30,4\n1,47.2,6.1\n", b'"a b",c\n1e3,-2\n', b"1\n2\n3\n", b"x;y\n1;2\n"]


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npy_seeds() -> Sequence[bytes]:
    return [_npy(np.arange(6.0).reshape(2, 3)), _npy(np.arange(4)), _npy(np.array(True)), _npy(np.zeros(0, "f4"))]


def _npz_seeds() -> Sequence[bytes]:
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            # A fixed date keeps the bytes, and so every input, the same in every run.
            archive.writestr(zipfile.ZipInfo("x.npy"), _npy(np.arange(6.0).reshape(2, 3)), method)
        found.append(buffer.getvalue())
    return found


def _literal_seeds() -> Sequence[bytes]:
    plain = [b"1.5", b"true", b"-inf", b"[1, 2, 3]", b"(1, -2e-3)"]
    return [*plain, b"{mu = 0, tau = [1, 2]}", b"[[1,2],[3,4]]", b"{a={b=(1,)}}"]


def _read_literal(data: bytes) -> object:
    return parse_literal(data.decode("utf-8", "surrogateescape"))


def _written(write: Callable[[Path], None]) -> bytes:
    path = _file(b"", "seed")
    write(path)
    return path.read_bytes()


def _gmm_seeds() -> Sequence[bytes]:
    return [_written(lambda p: adbench.write_gmm(p, adbench.generate_gmm(2, 3, 4)))]


def _lstm_seeds() -> Sequence[bytes]:
    return [_written(lambda p: adbench.write_lstm(p, adbench.generate_lstm(1, 3, 2)))]


def _ba_seeds() -> Sequence[bytes]:
    return [_written(lambda p: adbench.write_ba(p, adbench.generate_ba(3, 4, 12)))]


def _hand_seeds() -> Sequence[bytes]:
    return [_written(lambda p: adbench_hand.write_hand(p, adbench_hand.generate_hand(3, 8)))]


def _model_seeds() -> Sequence[bytes]:
    """The three files of a small hand model, put together with a separator."""
    folder = Path(_folder().name) / "model"
    folder.mkdir(exist_ok=True)
    adbench_hand.write_hand_model(folder, adbench_hand.generate_hand_model(6, 4))
    return [b"\f".join((folder / f"{name}.txt").read_bytes() for name in _MODEL)]


_MODEL = ("bones", "vertices", "triangles")


def _read_model(data: bytes) -> object:
    parts = data.split(b"\f")
    folder = Path(_folder().name) / "model_read"
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(_MODEL):
        (folder / f"{name}.txt").write_bytes(parts[k] if k < len(parts) else b"")
    return adbench_hand.read_hand_model(folder)


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("parser", make_text, read_text, 1.0),
        Target("literals", _from(_literal_seeds), _read_literal, 0.1),
        Target("json", _from(_json_seeds), _reader("x.json"), 0.1),
        Target("csv", _from(_csv_seeds), _reader("x.csv"), 0.1),
        Target("npy", _from(_npy_seeds), _reader("x.npy"), 0.1),
        Target("npz", _from(_npz_seeds), _reader("x.npz"), 0.1),
        Target("gmm", _from(_gmm_seeds), lambda data: adbench.read_gmm(_file(data, "gmm.txt")), 0.1),
        Target("lstm", _from(_lstm_seeds), lambda data: adbench.read_lstm(_file(data, "lstm.txt")), 0.1),
        Target("ba", _from(_ba_seeds), lambda data: adbench.read_ba(_file(data, "ba.txt")), 0.1),
        Target("hand", _from(_hand_seeds), lambda data: adbench_hand.read_hand(_file(data, "hand.txt")), 0.1),
        Target("hand_model", _from(_model_seeds), _read_model, 0.1),
    )
}
