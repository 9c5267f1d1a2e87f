"""What no committed file may hold: paths of one machine, addresses in the lock, unlocked requirements."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from .tree import ROOT, project

# A folder that exists on somebody's machine only, at the start of a path (not inside a URL or a longer path).
MACHINE_PATH = re.compile(r"(?<![\w./~%-])/(?:home|root|tmp|Users|work|workspace)/\w|\b[A-Z]:\\\\?Users\b")
LOCKED = re.compile(r"^([a-z0-9-]+)==([\w.]+)(?: ; (.+?))?(?: \\)?$")
REQUIREMENT = re.compile(r"^[A-Za-z0-9_-]+")
NOT_COMMITTED = {"build", "dist", "out", "shared", "__pycache__"}


def committed_files() -> Iterator[Path]:
    """Files of the tree, without links, caches and build products."""
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if _kept(name)]
        yield from (Path(folder, name) for name in files if not Path(folder, name).is_symlink())


def _kept(folder: str) -> bool:
    hidden = folder.startswith(".") and folder != ".ci"
    return not hidden and folder not in NOT_COMMITTED and not folder.endswith(".egg-info")


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in committed_files():
        text = path.read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) or str(ROOT) in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", ["home", "root", "tmp", "Users", "work"])
def test_pattern_finds_machine_paths(folder: str) -> None:
    assert MACHINE_PATH.search(f'open("/{folder}/someone/data.csv")')


@pytest.mark.parametrize("text", ["https://example.org/home/page", "x/tmp/y", "../work/z", "a /root of"])
def test_pattern_leaves_other_paths_alone(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def lock_lines() -> list[str]:
    return (ROOT / "requirements.lock").read_text().splitlines()


def test_lock_holds_pinned_packages_and_hashes_only() -> None:
    strange = [
        line
        for line in lock_lines()
        if not LOCKED.match(line) and not re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)
    ]
    assert not strange


def test_every_locked_package_has_a_hash() -> None:
    pairs = pairwise([*lock_lines(), ""])
    bare = [line for line, after in pairs if LOCKED.match(line) and "--hash" not in after]
    assert not bare


def test_lock_covers_every_dependency_and_extra() -> None:
    table = project()["project"]
    wanted = [*table["dependencies"], *sum(table["optional-dependencies"].values(), [])]
    names = {found.group().lower() for item in wanted if (found := REQUIREMENT.match(item))}
    locked = {found.group(1) for line in lock_lines() if (found := LOCKED.match(line))}
    assert names <= locked, f"run `make lock`: {sorted(names - locked)}"


def test_lock_serves_the_oldest_and_the_newest_python() -> None:
    jax = [found for line in lock_lines() if (found := LOCKED.match(line)) and found.group(1) == "jax"]
    markers = {found.group(2): found.group(3) for found in jax}
    assert set(markers.values()) == {"python_full_version < '3.12'", "python_full_version >= '3.12'"}
    assert all((0, 10) <= tuple(map(int, version.split(".")[:2])) < (0, 13) for version in markers)
