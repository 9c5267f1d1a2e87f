"""What the type `real` stands for is chosen when a text is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main

TEXT = "def tenth[n](x: [n]real): [n]real = 0.1 * x\n"


def test_real_is_double_by_default() -> None:
    assert pf.parse(TEXT)["tenth"](np.ones(2)).dtype == np.float64


def test_real_can_be_single() -> None:
    assert pf.parse(TEXT, real="f32")["tenth"](np.ones(2, np.float32)).dtype == np.float32


def test_the_command_line_has_the_same_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tenth.pf"
    file.write_text(TEXT)
    assert main(["run", str(file), "tenth", "x=[3]", "--real", "f32"]) == 0
    assert "0.30000001" in capsys.readouterr().out
