"""The shipped product: source archive, wheel built from it, and the command in an environment of its own."""

from __future__ import annotations

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
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
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


def test_every_package_imports_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    # Dependencies come from the environment of this test; a plain path leaves its editable install behind.
    packages = [source.module for source in sources() if source.is_package]
    dependencies = sysconfig.get_path("purelib")
    imports = f"import sys; sys.path.append({dependencies!r}); import {', '.join(packages)}"
    program = f"{imports}; print(pushforward.__file__)"
    assert run(installed / "python", "-c", program, cwd=tmp_path).startswith(str(installed.parent))
