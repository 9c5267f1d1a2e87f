"""The files of `pf build`: the same bytes each time, whole or not at all, and none that people have written is lost."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding

import pushforward as pf
from pushforward.cli import main
from pushforward.codegen.artefacts.build import KINDS
from pushforward.codegen.llvm.machine import compiled, load
from pushforward.lang.diagnostics import DiagnosticError

from .programs import HERE, ROSENBROCK, needs_compiler

GMM = HERE.parents[1] / "examples" / "adbench" / "gmm.pf"
SIZES = ("n=20", "d=2", "k=3", "l=3")


@pytest.fixture
def rosenbrock() -> pf.Program:
    return pf.parse(ROSENBROCK)["rosenbrock"]


@needs_compiler
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "a folder of another name"]
    for seed, folder in enumerate(folders):
        words = ["build", GMM, "gmm", *SIZES, "--wrt", "alphas,means,icf", "--emit", ",".join(KINDS), "--out", folder]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "TMPDIR": str(tmp_path)}
        command = [sys.executable, "-m", "pushforward", *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert sorted(first) == ["gmm.h", "gmm.ll", "gmm.o", "gmm.so", "gmm_gradient.stablehlo", "gmm_value.stablehlo"]
    assert first == second
    for name, content in first.items():
        for place in (str(tmp_path), str(HERE.parents[1]), sys.prefix):
            assert place.encode() not in content, name


def test_llvm_text_stands_by_itself(rosenbrock: pf.Program, tmp_path: Path) -> None:
    (path,) = pf.build(rosenbrock, tmp_path, sizes={"n": 3}, emit=["ll"])
    module = binding.parse_assembly(path.read_text())
    assert module.triple == binding.get_default_triple()
    loaded = load(compiled(path.read_text()).code)
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, *[ctypes.c_void_p] * 3)(loaded.address("rosenbrock_gradient"))
    x, value, grad = np.array([0.5, -1.0, 2.0]), np.zeros(1), np.zeros(3)
    assert call(3, x.ctypes.data, value.ctypes.data, grad.ctypes.data) == 0
    expected = pf.value_and_grad(rosenbrock)(x)
    assert value[0] == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(grad, expected[1], rtol=1e-12)


def test_objects_need_no_compiler(
    rosenbrock: pf.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(DiagnosticError, match=r"E189(.|\n)*none of cc, gcc, clang(.|\n)*install gcc or clang"):
        pf.build(rosenbrock, tmp_path / "out", sizes={"n": 3})
    assert not (tmp_path / "out").exists()
    paths = pf.build(rosenbrock, tmp_path / "out", sizes={"n": 3}, emit=["o", "h"])
    assert [path.name for path in paths] == ["rosenbrock.h", "rosenbrock.o"]
    monkeypatch.setenv("CC", "ccache no-such-compiler")
    with pytest.raises(DiagnosticError, match=r"E189.*`ccache no-such-compiler`"):
        pf.build(rosenbrock, tmp_path / "out", sizes={"n": 3})
    assert main(["doctor"]) == 0 and "no   C compiler" in capsys.readouterr().out


@needs_compiler
def test_a_compiler_that_fails_is_told(rosenbrock: pf.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", f"{sys.executable} -c 'raise SystemExit(\"this is no compiler\")'")
    with pytest.raises(DiagnosticError, match=r"E189(.|\n)*actual: this is no compiler"):
        pf.build(rosenbrock, tmp_path, sizes={"n": 3}, emit=["so"])
    assert not list(tmp_path.iterdir())


def test_files_are_replaced_unless_people_wrote_them(rosenbrock: pf.Program, tmp_path: Path) -> None:
    for n in (3, 4):
        (header,) = pf.build(rosenbrock, tmp_path, sizes={"n": n}, emit=["h"])
        assert f"SIZE_n INT64_C({n})" in header.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["rosenbrock.h"]
    header.write_text("/* by hand */\n")
    with pytest.raises(DiagnosticError, match=r"E180.*was not written by `pf build`"):
        pf.build(rosenbrock, tmp_path, sizes={"n": 3}, emit=["h", "o"])
    assert header.read_text() == "/* by hand */\n" and not (tmp_path / "rosenbrock.o").exists()


def test_a_folder_that_cannot_be_made_is_told(rosenbrock: pf.Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiagnosticError, match="E180"):
        pf.build(rosenbrock, tmp_path / "file", sizes={"n": 3}, emit=["h"])
