"""The tree and the packaging tell the same story: packages, links, guards and shipped data files."""

from __future__ import annotations

import importlib
import os
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from .tree import LOWER_PACKAGES, ROOT, folder_of, project, python_files, sources


def packages_in_tree() -> list[str]:
    return sorted(source.module for source in sources() if source.is_package)


def test_package_list_equals_the_tree() -> None:
    listed = project()["tool"]["setuptools"]["packages"]
    tree = packages_in_tree()
    missing, gone = sorted(set(tree) - set(listed)), sorted(set(listed) - set(tree))
    assert not missing and not gone, f"pyproject.toml, packages: add {missing}, remove {gone}"
    assert listed == sorted(listed), "pyproject.toml, packages: keep the list sorted"


def test_every_folder_with_python_files_is_a_package() -> None:
    folders = {path.parent for package in (*LOWER_PACKAGES, "pushforward") for path in python_files(package)}
    bare = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()]
    assert not bare, f"add __init__.py to {sorted(bare)}"


def test_package_folders_match_the_mapping() -> None:
    mapping = project()["tool"]["setuptools"]["package-dir"]
    assert mapping == {f"pushforward.{name}": name for name in LOWER_PACKAGES}


@pytest.mark.parametrize("name", LOWER_PACKAGES)
def test_link_is_relative_and_leads_to_the_folder(name: str) -> None:
    link = ROOT / "pushforward" / name
    assert os.readlink(link) == f"../{name}"
    assert link.resolve() == folder_of(name)


@pytest.mark.parametrize("name", LOWER_PACKAGES)
def test_bare_import_is_blocked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.delitem(sys.modules, name, raising=False)  # a test folder of the same name may stand there
    with pytest.raises(ImportError, match=f"import pushforward.{name}, not {name}"):
        importlib.import_module(name)
    assert name not in sys.modules


@pytest.mark.parametrize("name", LOWER_PACKAGES)
def test_package_imports_under_its_full_name(name: str) -> None:
    module = importlib.import_module(f"pushforward.{name}")
    assert Path(str(module.__file__)).resolve() == folder_of(name) / "__init__.py"


def shipped(path: Path) -> bool:
    """Whether the package data patterns reach a file from the package that holds it."""
    patterns = project()["tool"]["setuptools"]["package-data"]["*"]
    package = path.parent
    while not (package / "__init__.py").exists():
        package = package.parent
    inside = path.relative_to(package)
    return any(
        len(inside.parts) == len(Path(pattern).parts) and fnmatch(str(inside), pattern)
        for pattern in patterns
    )


def test_every_data_file_is_shipped() -> None:
    ignored = {".py", ".pyc"}
    tops = [folder_of(name) for name in LOWER_PACKAGES]
    files = [path for top in tops for path in top.rglob("*") if path.is_file() and path.suffix not in ignored]
    left_out = [str(path.relative_to(ROOT)) for path in files if not shipped(path)]
    assert not left_out, f"pyproject.toml, package-data: no pattern reaches {left_out}"


def test_version_is_stated_once_more_only_in_the_package() -> None:
    assert project()["project"]["version"] == importlib.import_module("pushforward").__version__
