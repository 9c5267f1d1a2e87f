"""Programs that are called from C: their text, their inputs, and what the reference makes of them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.artefacts.link import compiler
from pushforward.lang.diagnostics import DiagnosticError

HERE = Path(__file__).parent
ROSENBROCK = """
def rosenbrock[n](x: [n]f64): f64 =
  sum(for i < n - 1 => 100.0 * (x[i + 1] - x[i]^2)^2 + (1.0 - x[i])^2)
"""
Inputs = Mapping[str, np.ndarray | float]


def has_compiler() -> bool:
    """Whether a C compiler is there."""
    try:
        return bool(compiler())
    except DiagnosticError:
        return False


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler to link a library with")


@dataclass(frozen=True)
class Called:
    """A definition that a program in C calls; `places` are the macros of the program and the inputs they hold."""

    program: pf.Program
    sizes: Mapping[str, int]
    wrt: tuple[str, ...]
    inputs: Inputs

    @property
    def name(self) -> str:
        return self.program.name

    def build(self, folder: Path) -> None:
        """The library and its header."""
        pf.build(self.program, folder, sizes=self.sizes, wrt=self.wrt)

    def expected(self) -> np.ndarray:
        """The value and the gradient, one after the other, by the reference."""
        value, bars = pf.value_and_grad(self.program, self.wrt).compile("reference")(**self.inputs)
        return np.concatenate([np.ravel(value), *(np.ravel(bar) for bar in bars)])

    def macros(self) -> list[str]:
        """The inputs as macros of the compiler: numbers in hexadecimal, so that none is rounded."""
        listed = {name.upper(): ", ".join(one.hex() for one in np.ravel(x).tolist()) for name, x in self.inputs.items()}
        return [f"-D{name}={numbers}" for name, numbers in listed.items()]


def rosenbrock() -> Called:
    x = np.random.default_rng(3).standard_normal(37)
    return Called(pf.parse(ROSENBROCK)["rosenbrock"], {"n": 37}, ("x",), {"x": x})


def mixture() -> Called:
    """The objective of ADBench, small; its longest arrays come from `malloc`."""
    n, d, k, entries = 700, 4, 5, 10
    rng = np.random.default_rng(4)
    arrays = {"alphas": (k,), "means": (k, d), "icf": (k, entries), "x": (n, d)}
    inputs: Inputs = {name: rng.standard_normal(shape) for name, shape in arrays.items()}
    program = pf.load(HERE.parents[1] / "examples" / "adbench" / "gmm.pf")["gmm"]
    sizes = {"n": n, "d": d, "k": k, "l": entries}
    return Called(program, sizes, ("alphas", "means", "icf"), {**inputs, "gamma": 1.5, "m": 2.0})


CALLED = {"rosenbrock": rosenbrock, "gmm": mixture}


def compiled(called: Called, folder: Path, flags: Sequence[str] = ()) -> Path:
    """The program in C with its library, ready to run."""
    called.build(folder)
    words = [*compiler(), "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", *flags, *called.macros()]
    words += [str(HERE / f"{called.name}.c"), f"-I{folder}", f"-I{HERE}", "-o", str(folder / "main")]
    words += [str(folder / f"{called.name}.so"), f"-Wl,-rpath,{folder}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
    return folder / "main"


def numbers(main: Path) -> np.ndarray:
    """What the program prints; it has to end well and to say nothing else."""
    done = subprocess.run([str(main)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return np.array([float(line) for line in done.stdout.split()])
