"""The pages: every block of the language in them is a program whose claims hold and that is formatted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pushforward.cli import VERBS, main

PAGES = Path(__file__).parents[2] / "docs"
TOPS = ("lang", "ad", "codegen", "semantics", "verify", "pushforward", "benchmarks", "docs")
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


def test_the_tour_names_no_file_that_is_gone() -> None:
    page = (PAGES / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9/.]+\.(?:py|lark|json|md))`", page))
    root = PAGES.parent
    found = {path.relative_to(root).as_posix() for top in TOPS for path in (root / top).rglob("*") if path.is_file()}
    assert len(named) > 120
    assert [name for name in sorted(named) if not any(f"/{path}".endswith(f"/{name}") for path in found)] == []


def test_the_tour_names_every_file_of_the_lower_packages() -> None:
    page = (PAGES / "architecture.md").read_text(encoding="utf-8")
    root = PAGES.parent
    files = {path.name for top in ("lang", "ad", "codegen", "semantics") for path in (root / top).rglob("*.py")}
    own = {"__init__.py", "errors.py", "values_errors.py", "adbench.py", "adbench_hand.py", "records.py"}
    missing = [name for name in sorted(files - own) if f"{name}`" not in page]
    assert not missing, f"docs/architecture.md: say in one line what {missing} are for"


def test_the_page_of_the_language_lists_every_verb() -> None:
    page = (PAGES / "language.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if not re.search(rf"^pf {verb}\b", page, re.MULTILINE)] == []
