"""The example programs hold their claims and have the one layout; pages beside them say what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from pushforward.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FILES = sorted(EXAMPLES.rglob("*.pf"))
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")
# Every `$ pf …` line of the README with what it prints on standard output.
SESSIONS = re.findall(
    r"^\$ (pf .*)\n((?:(?!\$ |```).+\n)*)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_every_example_is_found() -> None:
    workloads = ["attention", "black_scholes", "diffusion", "kmeans", "long_orbit", "mlp", "nbody", "tridiagonal"]
    kept = ["ba", "gmm", "hand", "lstm", "decay", "lynx_hare", "sine_gordon", *workloads]
    assert [path.stem for path in FILES] == kept


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_claims_of_an_example_hold(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(path)]) == 0, capsys.readouterr()
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"[1-9]\d* claims: \d+ passed \(reference, xla, llvm; seed 0\)", last)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_are_formatted(path: Path) -> None:
    assert main(["fmt", "--check", str(path)]) == 0


def test_page_of_adbench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its Python blocks, then its commands on the file that they write."""
    page = (EXAMPLES / "adbench" / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    parsed = doctest.DocTestParser().get_doctest(page, {}, "adbench", "README.md", 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed).failed == 0
    command = re.search(r"^pf (grad (?:[^\n\\]|\\\n)*)", page, re.MULTILINE)
    assert command is not None
    assert main(command[1].replace("\\\n", " ").split()) == 0


@pytest.mark.parametrize(("command", "printed"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_readme_prints_what_it_says(
    command: str, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(command.split()[1:]) == 0
    found = capsys.readouterr().out
    assert NUMBER.sub("#", found) == NUMBER.sub("#", printed)
    assert [float(text) for text in NUMBER.findall(found)] == pytest.approx(
        [float(text) for text in NUMBER.findall(printed)], rel=1e-9
    )


def test_readme_has_sessions() -> None:
    assert {command.split()[1] for command, _ in SESSIONS} >= {"check", "run", "grad", "test"}
