"""A training that was killed goes on in the same bits; checkpoints of other trainings are refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushforward.cli import main

ROOT = Path(__file__).parents[2]
TEXT = """\
operator bending(u)(x) = u_xx + u
def exact(s: f64, x: f64): f64 = (1.0 - x * x) * sin(s * x)
"""
OPTIONS = ["s=3", "--steps", "60000", "--width", "16", "--depth", "2", "--batch", "8", "--every", "2000"]


def outcome(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    with np.load(path, allow_pickle=False) as archive:
        return json.loads(archive["words"].tobytes()), [archive[name] for name in archive.files if name != "words"]


def test_a_killed_training_ends_in_the_same_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = tmp_path / "bending.pf", tmp_path / "checkpoints"
    file.write_text(TEXT, encoding="utf-8")
    words = ["solve", str(file), *OPTIONS]
    assert main([*words, "--save", str(tmp_path / "whole.npz"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["result"]["error"] < 1e-2 < document["result"]["trivial"] and document["result"]["steps"] == 60000

    command = [sys.executable, "-m", "pushforward", *words, "--checkpoint", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"}) as process:
        while not list(folder.glob("*.npz")) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    stopped, _ = outcome(folder / "checkpoint.npz")
    assert 0 < stopped["step"] < 60000

    words += ["--checkpoint", str(folder)]
    assert main([*words, "--save", str(tmp_path / "resumed.npz")]) == 0
    assert "skill 1.0000" in capsys.readouterr().out
    (whole, first), (resumed, second) = outcome(tmp_path / "whole.npz"), outcome(tmp_path / "resumed.npz")
    assert whole == resumed
    assert len(first) == 4 and all(map(np.array_equal, first, second))

    refused([*words, "--seed", "1"], "E240", capsys, "seed differs")
    refused([*words, "--width", "8"], "E240", capsys, "arrays differs")
    file.write_text(TEXT.replace("sin(s", "cos(s"), encoding="utf-8")
    refused(words, "E240", capsys, "program differs")
    saved = (folder / "checkpoint.npz").read_bytes()
    for data in (b"", saved[:200], b"PK\x03\x04" + bytes(100)):
        (folder / "checkpoint.npz").write_bytes(data)
        refused(words, "E241", capsys, "checkpoint.npz")


def refused(words: list[str], code: str, capsys: pytest.CaptureFixture[str], part: str) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and f"error[{code}]" in err and part in err and "  hint: " in err


BAD = [
    (["MODEL"], "E235", "`n` is needed"),
    (["MODEL", "wave"], "E182", "wave"),
    (["MODEL", "n=x"], "E160", "n"),
    (["MODEL", "n=-2"], "E235", "-2"),
    (["MODEL", "n=2", "m=3"], "E162", "m"),
    (["MODEL", "n=2", "x=[0,1]"], "E162", "--domain box"),
    (["MODEL", "n=2", "--domain", "box", "x=[1,0]"], "E235", "empty"),
    (["MODEL", "n=2", "--domain", "box", "x=3"], "E235", "interval"),
    (["MODEL", "n=2", "--steps", "0"], "E237", "steps"),
    (["MODEL", "n=2", "--batch", "-1"], "E237", "batch"),
    (["MODEL", "n=2", "--depth", "1"], "E237", "depth"),
    (["MODEL", "n=2", "--probes", "1"], "E226", "1 lane"),
    (["MODEL", "n=2", "--probes", "3"], "E221", "3"),
    (["WAVE", "--domain", "ball"], "E235", "ball"),
    (["WAVE"], "E161", "`s`"),
    (["EMPTY"], "E183", "operators"),
    (["MISSING"], "E018", ""),
]


@pytest.mark.parametrize(("words", "code", "part"), BAD, ids=[" ".join(words) for words, _, _ in BAD])
def test_bad_commands(
    words: list[str], code: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {
        "MODEL": "operator poisson[n](u)(x: [n]f64) = laplacian(u)\n",
        "WAVE": "operator wave(u)(x, t) = u_tt - u_xx\ndef exact(s: f64, x: f64, t: f64): f64 = sin(x - s * t)\n",
        "EMPTY": "def f(x: f64): f64 = x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    refused(["solve", str(tmp_path / words[0]), *words[1:]], code, capsys, part)


def test_the_example(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["solve", str(ROOT / "examples" / "sine_gordon.pf"), "n=3", "--steps", "200", "--width", "32"]
    assert main([*words, "--picture", str(tmp_path / "u.png"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["error"] < 0.1 and (tmp_path / "u.png").exists()
