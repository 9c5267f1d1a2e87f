"""Libraries called from C: figures agree with the reference, and nothing outside the arrays is touched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .programs import CALLED, Called, compiled, needs_compiler, numbers

pytestmark = needs_compiler
SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
def test_a_program_in_c_prints_what_the_reference_finds(called: Callable[[], Called], tmp_path: Path) -> None:
    case = called()
    np.testing.assert_allclose(numbers(compiled(case, tmp_path)), case.expected(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("guard", ["-DGUARD_AFTER", "-DGUARD_BEFORE"])
@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
def test_no_array_is_left(called: Callable[[], Called], guard: str, tmp_path: Path) -> None:
    case = called()
    found = numbers(compiled(case, tmp_path, [guard, "-DGUARD_MALLOC"]))
    assert (" bytes from malloc" in (tmp_path / f"{case.name}.h").read_text()) == (case.name == "gmm")
    np.testing.assert_allclose(found, case.expected(), rtol=1e-10, atol=1e-10)


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizers are those of GCC and Clang on Linux")
@pytest.mark.parametrize("guard", ["-UGUARD", "-DGUARD_AFTER", "-DGUARD_BEFORE"])
@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
def test_sanitizers_have_nothing_to_say(
    called: Callable[[], Called], guard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # arrays live as long as the program
    case = called()
    found = numbers(compiled(case, tmp_path, [*SANITIZED, guard]))
    np.testing.assert_allclose(found, case.expected(), rtol=1e-10, atol=1e-10)
