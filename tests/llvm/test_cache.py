"""Native code kept on disk: what is there is used, what is not exactly what was written is made anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushforward.codegen.llvm import cache, compile
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.lang.builder import body
from pushforward.lang.ir import ArrayType, Program

X = np.linspace(0.1, 0.9, 5)


def _program(name: str = "digamma") -> Program:
    """A program that calls a function of SciPy."""
    return body("f", [ArrayType("f64", (5,))], lambda b, x: [b.apply(name, x[0])])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is named, but not there yet."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture(autouse=True)
def _as_a_new_process() -> Iterator[None]:
    for function in (compile_llvm, cache._compiler, cache._refuse):
        function.cache_clear()
    yield
    for function in (compile_llvm, cache._compiler, cache._refuse):
        function.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that went to LLVM."""
    texts: list[str] = []

    def counted(text: str) -> Any:
        texts.append(text)
        return original(text)

    original = compile.compiled
    monkeypatch.setattr(compile, "compiled", counted)
    return texts


def _run(program: Program | None = None) -> np.ndarray:
    """The result in what is, for all that is compiled, a new process."""
    compile_llvm.cache_clear()
    return compile_llvm(program or _program())([X])[0]


def _entry(place: Path) -> Path:
    (found,) = place.iterdir()
    return found


def test_what_is_kept_is_neither_optimised_nor_compiled_again(
    place: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _run()
    assert len(compilations) == 1 and cache.contents() == (1, _entry(place).stat().st_size)

    def refused(*_: object) -> Any:
        raise AssertionError("an entry was not used")

    for name in ("optimise", "written", "compiled"):
        monkeypatch.setattr(compile, name, refused)
    np.testing.assert_array_equal(_run(), first)
    with pytest.raises(AssertionError, match="an entry was not used"):
        _run(_program("exp"))


def test_only_the_user_can_read_and_write_what_is_kept(place: Path) -> None:
    _run()
    assert place.stat().st_mode & 0o777 == 0o700 and _entry(place).stat().st_mode & 0o077 == 0


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _sealed(rest: bytes) -> bytes:
    """With a first line that fits."""
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "cut in the header": lambda data: data[:90],
    "longer": lambda data: data + b"\0",
    "first line": lambda data: _flipped(data, 3),
    "header": lambda data: data.replace(b'"scratch": 0', b'"scratch": 8'),
    "code": lambda data: _flipped(data, len(data) - 9),
    "no header": lambda data: _sealed(b""),
    "header of another kind": lambda data: _sealed(b"[]\n"),
    "of another program": lambda data: _sealed(data.partition(b"\n")[2].replace(b'"key": "', b'"key": "0', 1)),
    "text": lambda data: b"not an entry\n" * 20,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_anew(place: Path, compilations: list[str], damage: str) -> None:
    first = _run()
    path = _entry(place)
    whole = path.read_bytes()
    damaged = DAMAGE[damage](whole)
    assert damaged != whole
    path.write_bytes(damaged)
    np.testing.assert_array_equal(_run(), first)
    assert len(compilations) == 2 and _entry(place).read_bytes() == whole


@pytest.mark.parametrize("what", ["get_host_cpu_name", "get_host_cpu_features", "llvm_version_info"])
def test_another_processor_or_version_has_its_own_entries(
    place: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    first = _run()
    other: dict[str, Any] = {
        "get_host_cpu_name": lambda: "other",
        "get_host_cpu_features": lambda: type("Features", (), {"flatten": lambda _: "+other"})(),
        "llvm_version_info": (1, 0, 0),
    }
    mine = cache.key(_program())
    with monkeypatch.context() as patch:
        patch.setattr(cache.binding, what, other[what])
        cache._compiler.cache_clear()
        assert cache.key(_program()) != mine
    cache._compiler.cache_clear()
    assert cache.key(_program()) == mine
    np.testing.assert_array_equal(_run(), first)
    assert len(compilations) == 1


def test_a_change_of_the_compiler_changes_every_key(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = cache.key(_program())
    read = Path.read_bytes
    for changed in ("codegen/llvm/divide.py", "lang/rewrite.py", "lang/primitives/elementary.py"):
        cache._compiler.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(
                Path, "read_bytes", lambda self, end=changed: read(self) + b"#" * self.as_posix().endswith(end)
            )
            assert cache.key(_program()) != mine, changed


def test_programs_that_differ_have_different_keys(place: Path) -> None:
    assert cache.key(_program()) == cache.key(_program()) != cache.key(_program("exp"))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(place: Path, compilations: list[str], mode: int) -> None:
    first = _run()
    place.chmod(mode)
    _entry(place).write_bytes(b"bad")
    with pytest.warns(UserWarning, match=r"warning\[E149\].*others may write"):
        np.testing.assert_array_equal(_run(), first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        np.testing.assert_array_equal(_run(), first)
    assert len(compilations) == 3 and _entry(place).read_bytes() == b"bad"


def test_a_folder_of_another_user_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    with pytest.warns(UserWarning, match=r"warning\[E149\].*another user"):
        _run()
    assert not list(place.iterdir())


@pytest.mark.parametrize("trouble", ["a file", "under a file", "no room", "cannot be renamed"])
def test_without_a_folder_programs_run_all_the_same(
    place: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def full(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    if trouble == "a file":
        place.write_bytes(b"here")
    elif trouble == "under a file":
        place.write_bytes(b"here")
        monkeypatch.setenv(cache.VARIABLE, str(place / "deeper"))
    else:
        monkeypatch.setattr(*{"no room": (os, "fdopen", full), "cannot be renamed": (os, "replace", full)}[trouble])
    first = _run()
    np.testing.assert_array_equal(_run(), first)
    assert len(compilations) == 2
    if place.is_dir():
        assert not list(place.iterdir())


def test_off_keeps_nothing(compilations: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert cache.folder() is None and cache.key(_program()) is None and cache.contents() == (0, 0)
    _run()
    _run()
    assert len(compilations) == 2 and not list(tmp_path.iterdir())


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv(cache.VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache.folder() == Path("/caches/pushforward")
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert cache.folder() == Path("/somewhere/.cache/pushforward")
    monkeypatch.setenv(cache.VARIABLE, "/elsewhere")
    assert cache.folder() == Path("/elsewhere")


def test_the_entries_used_last_stay_when_there_are_too_many(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [str(number) for number in range(4)]
    for age, name in enumerate(names):
        cache.write(name, cache.Native(b"x" * 1000, 0))
        os.utime(place / f"{name}{cache.SUFFIX}", (age, age))
    (place / "of the user").write_bytes(b"y" * 5000)
    (place / f"killed{cache.SUFFIX}{cache.PART}").write_bytes(b"z" * 1000)
    os.utime(place / f"killed{cache.SUFFIX}{cache.PART}", (1.5, 1.5))
    assert cache.read("0") is not None
    monkeypatch.setattr(cache, "LIMIT", 4 * 1200)
    cache.write("4", cache.Native(b"x" * 1000, 0))
    kept = {path.name.removesuffix(cache.SUFFIX) for path in place.iterdir()}
    assert kept == {"0", "2", "3", "4", "of the user"}


SCRIPT = """
import numpy as np
import pushforward as pf
p = pf.parse("def f[n](x: [n]f64): f64 = sum(for i < n => exp(x[i]) * digamma(x[i] + 1.0))")["f"]
for n in range(3, 7):
    print(float(p.compile("llvm")(np.arange(float(n)))))
"""


def test_processes_at_once_share_a_folder(place: Path) -> None:
    command = [sys.executable, "-c", SCRIPT]
    at_once = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    found = [process.communicate(timeout=150) for process in at_once]
    assert found[0] == found[1] and found[0][1] == b"", found
    kept = {path.name: path.read_bytes() for path in place.iterdir()}
    assert len(kept) == 4 and all(name.endswith(cache.SUFFIX) for name in kept)
    later = subprocess.run(command, capture_output=True, check=True)
    assert later.stdout == found[0][0]
    assert {path.name: path.read_bytes() for path in place.iterdir()} == kept


def test_tests_leave_the_folder_of_the_user_alone() -> None:
    assert os.environ[cache.VARIABLE] == "off"
