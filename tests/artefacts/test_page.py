"""The example of the page on native code: its commands and its program in C print what the page says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pushforward.cli import main
from pushforward.codegen.artefacts.build import KINDS
from pushforward.codegen.artefacts.wrapper import CODES
from pushforward.codegen.llvm.library import BORROWED

from .programs import HERE, needs_compiler

ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "native.md").read_text(encoding="utf-8").partition("## Libraries for C")[2]


@needs_compiler
def test_the_example_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (build, files), (make, printed) = re.findall(r"```\n\$ (.*)\n((?:.+\n)+?)```", PAGE)
    (source,) = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "fit.c").write_text(source)
    monkeypatch.chdir(tmp_path)
    assert main(build.split()[1:]) == 0
    assert capsys.readouterr().out == files
    assert subprocess.run(make, shell=True, check=True, capture_output=True, text=True).stdout == printed


def test_the_page_tells_all_kinds_codes_and_functions() -> None:
    assert f"`--emit {','.join(KINDS)}`" in PAGE
    assert [f"`MISFIT_{name}`" for name, _, _ in CODES if f"`MISFIT_{name}`" not in PAGE] == []
    assert [name for name in BORROWED if f"`{name}`" not in PAGE] == []
