"""Bad input through the command ends in a diagnostic with a place and a hint, never in a crash."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushforward.cli import main

PROGRAM = """\
def endless(x: f64): f64 = endless(x + 1.0)
def even(x: f64): f64 = 1.0 + odd(x)
def odd(x: f64): f64 = 1.0 + even(x)
def at[n](x: [n]f64, i: i64): f64 = x[i]
def whole_at[n](x: [n]i64, i: i64): i64 = x[i]
def divide(a: i64, b: i64): i64 = a // b
def rest(a: i64, b: i64): i64 = a % b
def logs[n](x: [n]f64): f64 = sum(log(x))
def dot[n](x: [n]f64, y: [n]f64): f64 = x @ y
def ones(n: size): [n]f64 = for i < n => 1.0
def table[m, n](x: [m, n]f64): f64 = sum(x)
def same(k: i64): i64 = k
def largest[n](x: [n]f64): f64 = max(x)
def both(p: {mu: f64, s: [2]f64}): f64 = p.mu + p.s[0]
def apply(g: f64 -> f64): f64 = g(1.0)
"""


def npy_header(shape: str) -> bytes:
    """The head of a NumPy file of doubles that claims a shape, as text."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program and with every bad data file."""
    place = tmp_path_factory.mktemp("bad")
    files = {
        "a.pf": PROGRAM,
        "empty.json": "",
        "truncated.json": '{"a": [1, 2',
        "binary.json": bytes(range(256)),
        "utf16.json": "[1]".encode("utf-16"),
        "deep.json": "[" * 100_000 + "]" * 100_000,
        "deep_records.json": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "hole.json": "[1, null]",
        "nan.json": "[1, NaN]",
        "words.json": '["a", 1]',
        "digits.json": "[" + "9" * 5_000 + "]",
        "ragged.json": "[[1], [2, 3]]",
        "empty.csv": "",
        "binary.csv": bytes(range(256)),
        "truncated.csv": "a,b\n1,2\n3",
        "more_cells.csv": "a,b\n1,2\n3,4,5\n",
        "quote.csv": 'a\n"1\n2\n',
        "long_cell.csv": "a\n" + "1" * 200_000 + "\n",
        "underscore.csv": "a\n1_000\n",
        "same_name.csv": "a,a\n1,2\n",
        "empty.npz": "",
        "binary.npz": bytes(range(256)) * 10,
        "empty.npy": "",
        "claims.npy": npy_header(f"({10**12},)") + b"\0" * 80,
        "overflow.npy": npy_header(f"({2**40}, {2**40})") + b"\0" * 80,
        "negative.npy": npy_header("(-3,)") + b"\0" * 80,
        "call.npy": npy_header("__import__('os')"),
    }
    for name, content in files.items():
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    np.savez(place / "good.npz", x=np.arange(3.0))
    (place / "truncated.npz").write_bytes((place / "good.npz").read_bytes()[:150])
    np.save(place / "nan.npy", np.array([[1.0, 2.0], [3.0, np.nan]]))
    np.save(place / "large.npy", np.array([2**63], dtype=np.uint64))
    for name in ("huge.json", "huge.csv", "huge.npz", "huge.npy"):  # sparse: no block is written
        with (place / name).open("wb") as file:
            file.truncate(300 << 20)
    with zipfile.ZipFile(place / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        file.write(npy_header("(36000000,)"))
        for _ in range(36):
            file.write(b"\0" * 8_000_000)
    with zipfile.ZipFile(place / "claims.npz", "w") as archive:
        archive.writestr("x.npy", npy_header(f"({10**12},)") + b"\0" * 80)
    (place / "folder.json").mkdir()
    return place


def invoke(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def refused(words: tuple[str, ...], code: int, error: str, *parts: str) -> None:
    """Assert how a command ends, and that its diagnostic has a hint or says what was expected."""
    found, out, err = invoke(*words)
    assert (found, out) == (code, ""), (found, out, err)
    assert f"error[{error}]" in err and "Traceback" not in err and "internal error" not in err
    assert "  hint: " in err or "  expected: " in err, err
    assert [part for part in parts if part not in err] == [], err


# --- programs ---------------------------------------------------------------------------------------------------------

N = 10_000
SHAPES = "data S = Ball(f64) | Box(f64, f64)\n"
TEXTS = {
    "parentheses": ("E015", "def f(x: f64): f64 = " + "(" * N + "x" + ")" * N),
    "lets": ("E015", "def f(x: f64): f64 = " + "let y = " * N + "x" + " in y" * N),
    "ifs": ("E015", "def f(x: f64): f64 = " + "if x > 0.0 then x else " * N + "x"),
    "arrays": ("E015", "def f(x: f64): f64 = sum(" + "[" * N + "x" + "]" * N + ")"),
    "loops": ("E015", "def f(x: f64): f64 = " + "loop s = " * N + "x" + " for i < 2 do s" * N),
    "array types": ("E015", "def f(x: " + "[3]" * N + "f64): f64 = 1.0"),
    "tuple types": ("E015", "def f(x: " + "(" * N + "f64" + ", f64)" * N + "): f64 = 1.0"),
    "function types": ("E015", "def f(x: " + "f64 -> " * N + "f64): f64 = 1.0"),
    "patterns": ("E015", "def f(x: f64): f64 = let " + "(" * N + "y" + ", z)" * N + " = x in y"),
    "claims": ("E015", 'test "t" { check ' + "(" * N + "true" + ")" * N + " }"),
    "unknown name": ("E030", "def f(x: f64): f64 = sni(x)", "did you mean `sin`"),
    "unknown type": ("E031", "def f(x: f46): f64 = x", "did you mean `f64`"),
    "unknown field": ("E042", "def f(x: {mean: f64}): f64 = x.maen", "did you mean `mean`"),
    "match that is not complete": ("E043", SHAPES + "def f(s: S): f64 = match s { Ball(r) => r }", "Box"),
    "misspelt constructor": ("E030", SHAPES + "def f(r: f64): S = Bal(r)", "did you mean `Ball`"),
    "integer of many digits": ("E063", "def f(x: i64): i64 = 99999999999999999999"),
    "size of many terms": ("E063", "def f[a, b, c](x: [" + "*".join(["(a+b+c)"] * 40) + "]f64): f64 = sum(x)"),
    "shapes that differ": ("E033", "def f(x: [3]f64, y: [4]f64): f64 = x @ y"),
    "cut in a signature": ("E002", "def f(x: f64"),
    "cut in a body": ("E002", "def f(x: f64): f64 = sum(for i < 3 => x"),
    "cut before the body": ("E014", "def f(x: f64): f64 ="),
    "cut in a string": ("E005", 'test "abc'),
    "letter of another alphabet": ("E006", "def f(x: f64): f64 = \u0445 + 1.0"),
    "import of itself": ("E130", 'import "text.pf" as m\n'),
}


@pytest.mark.parametrize("case", TEXTS.values(), ids=TEXTS.keys())
def test_wrong_texts_have_a_place_and_a_hint(tmp_path: Path, case: tuple[str, ...]) -> None:
    code, text, *parts = case
    path = tmp_path / "text.pf"
    path.write_text(text, encoding="utf-8")
    refused(("check", str(path)), 1, code, "text.pf:", "^", *parts)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"def f(x: f64): f64 = x -- \xe9\n", "E017"),
        (b"\xff\xfed\0e\0f\0", "E017"),
        (bytes(range(256)) * 64, "E017"),
        (b"def f(x: f64)\0: f64 = x\n", "E017"),
        (b"-" * ((4 << 20) + 1), "E016"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "text.pf"
    path.write_bytes(data)
    refused(("check", str(path)), 2, code)
    refused(("run", str(path), "f", "x=1"), 2, code)


@pytest.mark.parametrize("text", ["", "  \n\n", "-- nothing yet\n"])
def test_a_file_without_definitions_is_fine_until_one_is_wanted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "none.pf"
    path.write_text(text)
    assert invoke("check", str(path)) == (0, "", "")
    refused(("run", str(path), "f"), 2, "E182")


DEEP = {
    "conditions": "if x > 0.0 then x else " * 390 + "x",
    "folds": "loop s = x for i < 1 do " * 390 + "s * 1.5",
    "axes": "sum(" + "[" * 190 + "x" + "]" * 190 + ")",
    "cases": "match A(x) { B => x; A(y) => " * 190 + "x" + " }" * 190,
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP.keys())
@pytest.mark.parametrize("verb", ["run", "grad", "show"])
def test_texts_within_the_limits_run_or_are_refused(tmp_path: Path, body: str, verb: str) -> None:
    path = tmp_path / "deep.pf"
    path.write_text(f"data S = A(f64) | B\ndef f(x: f64): f64 = {body}\n")
    assert invoke("check", str(path))[0] == 0
    code, out, err = invoke(verb, str(path), "f", *([] if verb == "show" else ["x=1"]))
    assert "internal error" not in err and (code == 0 or ("error[E15" in err and "hint: " in err)), err


def test_a_long_chain_of_definitions_is_no_deep_program(tmp_path: Path) -> None:
    path = tmp_path / "chain.pf"
    links = (f"def f{k}(x: f64): f64 = f{k - 1}(x) + 1.0\n" for k in range(1, 1_500))
    path.write_text("def f0(x: f64): f64 = x\n" + "".join(links))
    assert invoke("run", str(path), "f1499", "x=1", "--backend", "reference")[:2] == (0, "1500.0\n")


# --- runs -------------------------------------------------------------------------------------------------------------

RUNS = {
    "recursion without end": ("run endless x=1", 1, "E102", "a.pf:1:"),
    "recursion without end compiled": ("run endless x=1 --backend xla", 1, "E120", "a.pf:1:"),
    "recursion of two": ("run even x=1", 1, "E102", "a.pf:"),
    "gradient of recursion without end": ("grad endless x=1", 1, "E120", "a.pf:1:"),
    "zero divisor": ("run divide a=1 b=0", 1, "E101", "a.pf:6:", "^^^^^^"),
    "rest by zero": ("run rest a=1 b=0", 1, "E101", "a.pf:7:"),
    "logarithm of zero": ("run logs x=[1,0]", 1, "E150", "`log` of 0 at [1]", "a.pf:8:"),
    "gradient at zero": ("grad logs x=[1,0]", 1, "E150", "a.pf:8:"),
    "NaN given": ("run logs x=[1,nan]", 2, "E171", "`x[1]` is NaN"),
    "infinity given": ("run logs x=[1,inf]", 1, "E151", "`x[1]` is inf"),
    "no size": ("run ones", 2, "E161", "n: size"),
    "size below zero": ("run ones n=-1", 2, "E164"),
    "size that is a fraction": ("run ones n=1.5", 2, "E164"),
    "size of many digits": ("run ones n=99999999999999999999999", 2, "E164"),
    "no memory": ("run ones n=1000000000000000", 1, "E152", "a.pf:10:"),
    "lengths that differ": ("run dot x=[1,2] y=[1]", 2, "E165", "n = 2 from `x`"),
    "axes that differ": ("run dot x=[1,2] y=[[1,2]]", 2, "E163", "[n]f64"),
    "ragged rows": ("run table x=[[1],[2,3]]", 2, "E163", "ragged"),
    "missing field": ("run both p={mu=1}", 2, "E163", "lacks `s`"),
    "unknown field": ("run both p={mu=1,s=[1,2],q=3}", 2, "E163", "`q`"),
    "number for a function": ("run apply g=1", 2, "E164"),
    "integer beyond 64 bits": ("run same k=9223372036854775808", 2, "E164"),
    "integer of many digits": ("run same k=" + "9" * 5_000, 2, "E164"),
    "deep literal": ("run same k=" + "[" * 10_000, 2, "E160", "deeper"),
    "missing input": ("run dot x=[1]", 2, "E161", "`y`"),
    "misspelt input": ("run same kk=1", 2, "E162", "did you mean `k`"),
    "misspelt definition": ("run smae k=1", 2, "E182", "did you mean `same`"),
    "misspelt derivative": ("grad logs x=[1] --wrt y", 2, "E184"),
    "NUL in a path": ("run logs x=@a\0b.json", 2, "E167"),
    "home of nobody": ("run logs x=@~nobody-of-this-name/x.json", 2, "E167"),
    "device": ("run logs x=@/dev/zero", 2, "E168"),
}


@pytest.mark.parametrize("case", RUNS.values(), ids=RUNS.keys())
def test_wrong_runs_say_where(folder: Path, case: tuple[str, int, str]) -> None:
    line, code, error, *parts = case
    verb, *words = line.split(" ")
    refused((verb, str(folder / "a.pf"), *words), code, error, *parts)


@pytest.mark.parametrize("verb", ["run", "grad"])
@pytest.mark.parametrize("backend", ["auto", "reference", "xla"])
@pytest.mark.parametrize("index", ["-1", "2", "9223372036854775807"])
def test_an_index_out_of_range_on_every_back_end(folder: Path, verb: str, backend: str, index: str) -> None:
    words = ("x=[1,2]", f"i={index}", "--backend", backend)
    refused((verb, str(folder / "a.pf"), "at", *words), 1, "E100", "a.pf:4:", "^^^^")
    if verb == "run":
        refused((verb, str(folder / "a.pf"), "whole_at", *words), 1, "E100", "a.pf:5:")


# --- data -------------------------------------------------------------------------------------------------------------

DATA = {
    "E163": ["ragged.json"],
    "E164": ["words.json"],
    "E167": [
        *("empty.json", "truncated.json", "binary.json", "utf16.json", "deep.json", "deep_records.json", "huge.json"),
        *("digits.json", "folder.json", "missing.json", "missing.npz", "missing.csv"),
        *("empty.csv", "binary.csv", "more_cells.csv", "quote.csv", "long_cell.csv", "huge.csv"),
        *("empty.npz", "binary.npz", "truncated.npz", "bomb.npz", "claims.npz", "huge.npz"),
        *("empty.npy", "claims.npy", "overflow.npy", "negative.npy", "call.npy", "huge.npy"),
    ],
    "E169": ["same_name.csv", "good.npz:y", "truncated.csv:c"],
    "E171": ["hole.json", "nan.json", "nan.npy", "truncated.csv", "underscore.csv"],
}


@pytest.mark.parametrize(("error", "name"), [(error, name) for error, names in DATA.items() for name in names])
def test_wrong_data_files(folder: Path, error: str, name: str) -> None:
    words = ("logs", f"x=@{name}", "--data", str(folder))
    refused(("run", str(folder / "a.pf"), *words), 2, error)


def test_an_unsigned_integer_that_does_not_fit_is_not_wrapped(folder: Path) -> None:
    refused(("run", str(folder / "a.pf"), "whole_at", f"x=@{folder}/large.npy", "i=0"), 2, "E164")


def test_files_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may read every file, so the refusal of the system is played.
    (tmp_path / "a.pf").write_text("def f(x: f64): f64 = x\n")
    (tmp_path / "x.json").write_text("1")
    usual = Path.open

    def denied(path: Path, *words: Any, **named: Any) -> Any:
        if path.name == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, *words, **named)

    monkeypatch.setattr(Path, "open", denied)
    forbidden = "a.pf"
    refused(("check", str(tmp_path / "a.pf")), 2, "E018", "Permission denied")
    forbidden = "x.json"
    refused(("run", str(tmp_path / "a.pf"), f"x=@{tmp_path}/x.json"), 2, "E167", "Permission denied")
