"""The shipped product: source archive, wheel built from it, and the command in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from .tree import ROOT, project, sources

pytestmark = pytest.mark.soak


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    with tarfile.open(archive) as opened:
        opened.extractall(out, filter="data")
    tree = next(path for path in out.iterdir() if path.is_dir())
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, tree, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment that holds the wheel and nothing else."""
    environment = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", environment, cwd=environment.parent)
    binaries = environment / "bin"
    run(binaries / "python", "-m", "pip", "install", "--no-index", "--no-deps", wheel, cwd=environment.parent)
    return binaries


def test_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    endings = {True: "/__init__.py", False: ".py"}
    modules = {source.module.replace(".", "/") + endings[source.is_package] for source in sources()}
    files = [path for kind in ("lark", "pf", "json") for path in ROOT.glob(f"lang/**/*.{kind}")]
    wanted = modules | {f"pushforward/{path.relative_to(ROOT)}" for path in files}
    assert wanted | {"pushforward/py.typed"} <= held


def test_archive_holds_the_tests_and_the_lock(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    assert {"requirements.lock", "LICENSE", "NOTICE", "tests/house/test_distribution.py"} <= held


def test_command_answers_without_any_dependency(installed: Path, tmp_path: Path) -> None:
    assert project()["project"]["version"] in run(installed / "pf", "--version", cwd=tmp_path)


@pytest.fixture(scope="module")
def equipped(installed: Path) -> Path:
    """The same with the dependencies, which the environment of this test lends."""
    # A folder that a .pth file adds is only searched: the editable install in it stays behind.
    (library,) = installed.parent.glob("lib/python*/site-packages")
    (library / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return installed


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "examples" / "decay.pf", tmp_path))


def test_every_package_imports_from_the_wheel(equipped: Path, tmp_path: Path) -> None:
    packages = [source.module for source in sources() if source.is_package]
    program = f"import {', '.join(packages)}; print(pushforward.__file__)"
    assert run(equipped / "python", "-W", "error", "-c", program, cwd=tmp_path).startswith(str(equipped.parent))


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("check decay.pf", ""),
        ("run decay.pf activity a=8 tau=2 t=[0,2] --backend xla", "[8.0, 2.94303552937153"),
        ("grad decay.pf misfit a=8 tau=2 t=[0] counts=[6] --backend xla", "d/da = 2.0"),
        ("test decay.pf", "4 claims: 7 passed"),
        ("show decay.pf activity --stage vector", "program activity[n]"),
        ("explain E100", "E100: an index is out of range"),
        ("doctor", "ok   xla back end"),
    ],
)
def test_verbs_of_the_installed_command(equipped: Path, example: Path, words: str, printed: str) -> None:
    command = (equipped / "python", "-W", "error", equipped / "pf", *words.split())
    assert printed in run(*command, cwd=example.parent)


def test_gradients_and_the_prelude_from_python(equipped: Path, tmp_path: Path) -> None:
    program = """
import pushforward as pf
cubes = pf.parse("def cubes[n](x: [n]f64): f64 = sum(x * x * x)")["cubes"]
print(pf.value_and_grad(cubes).compile("xla")([1.0, 2.0]))
print(pf.parse("def spread[n](x: [n]f64): f64 = standard_deviation(x)")["spread"]([1.0, 3.0]))
"""
    printed = run(equipped / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert printed == "(9.0, array([ 3., 12.]))\n1.0\n"
