"""The command: exit codes, streams, the JSON document, and that our own bugs never show a traceback."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from pushforward.cli import VERBS, exit_code, main
from pushforward.lang.diagnostics import Diagnostic


def pf(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["run"], ["check"], ["grad", "x.pf", "--wrong"]])
def test_bad_invocations_exit_with_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = pf(capsys, *words)
    assert (code, out) == (2, "") and "usage: pf" in err


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS)])
def test_every_verb_describes_itself(capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    code, out, err = pf(capsys, *verb, "--help")
    assert code == 0 and out.startswith("usage: pf") and err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import pushforward

    assert pf(capsys, "--version") == (0, f"pushforward {pushforward.__version__}\n", "")


def test_exit_codes_tell_wrong_programs_from_bad_input() -> None:
    wrong, invocation = Diagnostic("E040", "wrong"), Diagnostic("E161", "missing")
    assert exit_code([wrong]) == 1
    assert exit_code([invocation]) == 2
    assert exit_code([invocation, wrong]) == 1
    assert exit_code([Diagnostic("E040", "only a note", severity="note")]) == 0


@pytest.fixture
def bad_files(tmp_path: Path) -> dict[str, Path]:
    """Paths that hold no program, by what is wrong with them."""
    (tmp_path / "latin.pf").write_bytes(b"-- \xe9\n")
    (tmp_path / "huge.pf").write_bytes(b" " * ((1 << 22) + 1))
    (tmp_path / "folder.pf").mkdir()
    return {
        "No such file": tmp_path / "missing.pf",
        "is not UTF-8": tmp_path / "latin.pf",
        "larger than": tmp_path / "huge.pf",
        "Is a directory": tmp_path / "folder.pf",
        "null": Path("a\0b.pf"),
    }


@pytest.mark.parametrize("verb", ["check", "run", "grad", "show", "test", "bench", "fmt"])
def test_unreadable_files_are_diagnostics(
    capsys: pytest.CaptureFixture[str], bad_files: dict[str, Path], verb: str
) -> None:
    for reason, path in bad_files.items():
        code, out, err = pf(capsys, verb, path)
        assert code == 2 and "error[E01" in err and reason in err, (reason, err)
        assert "Traceback" not in err and (out == "" or verb == "test")


def test_json_is_one_document_with_the_diagnostics(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = pf(capsys, "check", "--json", tmp_path / "missing.pf")
    document = json.loads(out)
    assert err == "" and document["exit"] == code == 2
    assert document["schema"] == 1 and document["command"] == "check"
    assert [item["code"] for item in document["diagnostics"]] == ["E018"]


def test_our_own_bugs_exit_with_101_and_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pushforward.cli import explain

    def broken(*_: object) -> int:
        raise RuntimeError("slots do not add up")

    monkeypatch.setattr(explain, "run", broken)
    code, out, err = pf(capsys, "explain", "E160")
    assert code == 101 and out == "" and "Traceback" not in err
    assert "internal error: RuntimeError: slots do not add up (at test_command.py:" in err
    assert "--debug" in err
    code, _, err = pf(capsys, "explain", "E160", "--debug")
    assert code == 101 and "Traceback" in err
    code, out, _ = pf(capsys, "explain", "E160", "--json")
    assert code == 101 and "RuntimeError" in json.loads(out)["result"]["internal_error"]


def test_an_interrupt_exits_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from pushforward.cli import explain

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(explain, "run", interrupted)
    assert pf(capsys, "explain", "E160") == (130, "", "interrupted\n")


def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        f"{sys.executable} -m pushforward explain list | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("E0") and done.stderr == ""


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = pf(capsys, "explain", "e160")
    assert (code, err) == (0, "") and out.startswith("E160: a literal cannot be read")
    code, out, err = pf(capsys, "explain", "E1600")
    assert (code, out) == (2, "") and "did you mean `E160`" in err
    code, out, _ = pf(capsys, "explain", "list")
    codes = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and codes == sorted(codes) and len(codes) == len(set(codes)) and "E150" in codes


def test_the_page_of_errors_is_up_to_date() -> None:
    from pushforward.errors import as_markdown

    page = Path(__file__).parents[2] / "docs" / "errors.md"
    assert page.read_text(encoding="utf-8") == as_markdown()


def test_large_examples_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = pf(capsys, "explain", "E016")
    assert code == 0 and len(out) < 2000 and "characters" in out


def test_doctor_names_the_parts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHFORWARD_DATA", "/some/folder")
    code, out, _ = pf(capsys, "doctor", "--quick")
    assert code == 0 and "numpy" in out and "/some/folder" in out and "llvm back end" in out


def test_doctor_counts_the_native_code_that_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "no   kept native code   PUSHFORWARD_CACHE is off" in pf(capsys, "doctor", "--quick")[1]
    (tmp_path / "one.native").write_bytes(b"x" * 1_230_000)
    monkeypatch.setenv("PUSHFORWARD_CACHE", str(tmp_path))
    assert f"ok   kept native code   {tmp_path}: 1 entries, 1.2 MB" in pf(capsys, "doctor", "--quick")[1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_only_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    from pushforward.cli import report

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    report._print_diagnostic(Diagnostic("E161", "no value for `x`", hint="give [one]"), stream)
    assert ("\x1b[" in stream.getvalue()) == coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert plain == "error[E161]: no value for `x`\n  hint: give [one]\n\n"
