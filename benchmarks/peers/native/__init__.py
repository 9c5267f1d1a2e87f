"""Derivatives written by hand in C: what a compiler of this language could reach on this machine.

A problem enters, a function without arguments that gives value and gradient, or residuals and their Jacobian, leaves.
The sources are compiled by the machine's C compiler, for its own processor, into build/native, once per content.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...problems import Problem

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[2] / "build" / "native"
FLAGS = ("-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
Output = tuple[float, tuple[np.ndarray, ...]] | tuple[np.ndarray, ...]


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@cache
def version() -> str:
    """What the C compiler says of itself."""
    said = subprocess.run([compiler() or "cc", "--version"], capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]


@cache
def library(name: str) -> ctypes.CDLL:
    """The compiled source of that name; raises `RuntimeError` where it cannot be compiled."""
    command = compiler()
    if command is None:
        raise RuntimeError("there is no C compiler")
    sources = (HERE / f"{name}.c", HERE / "lanes.h")
    content = "".join([*FLAGS, *(source.read_text("utf-8") for source in sources)])
    target = BUILT / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.so"
    if not target.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        result = subprocess.run(
            [command, *FLAGS, "-o", str(part), str(sources[0]), "-lm"], capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise RuntimeError(f"{name}.c does not compile: {result.stderr.strip()[:1000]}")
        part.replace(target)
    return ctypes.CDLL(str(target))


def _pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _prepared(values: tuple[Any, ...]) -> list[np.ndarray]:
    return [np.ascontiguousarray(value, dtype=np.float64) for value in values]


def gmm(problem: Problem) -> Callable[[], Output]:
    """See gmm.c."""
    alphas, means, icf, x = _prepared(problem.arguments[:4])
    gamma, m = (ctypes.c_double(float(value)) for value in problem.arguments[4:])
    value, bars = ctypes.c_double(), tuple(map(np.zeros_like, (alphas, means, icf)))
    given, made = [_pointer(array) for array in (alphas, means, icf, x)], [_pointer(bar) for bar in bars]
    function = library("gmm").gmm

    def call() -> Output:
        if function(means.shape[1], len(alphas), len(x), *given, gamma, m, ctypes.byref(value), *made):
            raise MemoryError("gmm.c found no memory")
        return value.value, bars

    return call


def lstm(problem: Problem) -> Callable[[], Output]:
    """See lstm.c."""
    main, extra, state, sequence = _prepared(problem.arguments)
    value, bars = ctypes.c_double(), tuple(map(np.zeros_like, (main, extra)))
    given, made = [_pointer(array) for array in (main, extra, state, sequence)], [_pointer(bar) for bar in bars]
    function = library("lstm").lstm

    def call() -> Output:
        if function(main.shape[0], extra.shape[1], len(sequence), *given, ctypes.byref(value), *made):
            raise MemoryError("lstm.c found no memory, or more lanes than it has")
        return value.value, bars

    return call


def ba(problem: Problem) -> Callable[[], Output]:
    """See ba.c. Results are large, so that each call gives new arrays, as every other contender does."""
    given = _prepared(problem.arguments[:4])
    observed = np.ascontiguousarray(problem.arguments[4], dtype=np.int64)
    p = len(observed)
    function = library("ba").ba
    function.restype = None
    cameras, points = (len(array) for array in given[:2])
    if p and not (observed.min() >= 0 and (observed.max(axis=0) < (cameras, points)).all()):
        raise IndexError("an observation is of a camera or a point that is not there")
    words = [ctypes.c_int64(p), *map(_pointer, given), ctypes.c_void_p(observed.ctypes.data)]

    def call() -> Output:
        made = tuple(map(np.empty, ((p, 2), (p, 2, 15), p, p)))
        function(*words, *map(_pointer, made))
        return made

    return call


FUNCTIONS: dict[str, Callable[[Problem], Callable[[], Output]]] = {"gmm": gmm, "lstm": lstm, "ba": ba}
