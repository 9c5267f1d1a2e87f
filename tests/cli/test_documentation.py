"""The pages: every block of the language in them is a program whose claims hold and that is formatted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pushforward.cli import main

PAGES = Path(__file__).parents[2] / "docs"
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(PAGES.glob("*.md"))
    for number, block in enumerate(re.findall(r"```pf\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_programs_in_the_pages_hold(block: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "block.pf"
    path.write_text(block, encoding="utf-8")
    assert main(["test", str(path), "--backend", "reference"]) == 0, capsys.readouterr()
    assert main(["fmt", "--check", str(path)]) == 0, _formatted(path)


def test_the_first_program_prints_what_the_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (PAGES / "language.md").read_text(encoding="utf-8")
    path = tmp_path / "rosenbrock.pf"
    path.write_text(re.findall(r"```pf\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    sessions = re.search(r"```\n\$ (pf run.*?)```", page, re.DOTALL)
    assert sessions is not None
    for session in sessions[1].split("\n$ "):
        command, _, printed = session.partition("\n")
        words = command.replace("rosenbrock.pf", str(path)).split()[1:]
        assert main(words) == 0
        if printed.strip():
            assert capsys.readouterr().out == printed.rstrip("\n") + "\n"
        capsys.readouterr()


def _formatted(path: Path) -> str:
    main(["fmt", str(path)])
    return path.read_text(encoding="utf-8")
