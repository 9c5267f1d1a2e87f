"""A pytest file from a report: what was refuted enters, the text of a file that repeats it leaves."""

from __future__ import annotations

import keyword
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....lang.ir import Signature
from ....semantics.results import assemble
from .report import Finding, Report, Witness

_HEAD = '''"""Repeats what `pf probe {file} {name}` found."""

from pathlib import Path

{numpy}import pushforward as pf

MODULE = pf.load(Path(__file__).parent / {relative!r})
'''

_TEST = '''

def test_{label}_{property}() -> None:
    """{holds}.

    Found: {message}
      expected  {expected}
      actual    {actual}{guilty}
    """
{arguments}
    report = pf.probe(MODULE[{name!r}], {names}, properties={property!r}, seed={seed})
    assert report.ok, report
'''


def test_file(report: Report, file: str, target: Path, signature: Signature) -> str:
    """The text of a test file at `target` that looks again at every property the report refutes."""
    failures = [(finding, finding.witness) for finding in report.failures if finding.witness is not None]
    tests = "".join(_test(report, finding, witness, signature) for finding, witness in failures)
    relative = Path(os.path.relpath(file, target.parent)).as_posix()
    numpy = "import numpy as np\n" if "np." in tests else ""
    return _HEAD.format(file=Path(file).name, name=report.name, numpy=numpy, relative=relative) + tests


test_file.__test__ = False  # type: ignore[attr-defined]  # pytest, this is no test


def _test(report: Report, finding: Finding, witness: Witness, signature: Signature) -> str:
    leaves = iter(witness.start)
    values = [(label, assemble(type_, leaves)) for label, type_ in signature.inputs]
    names = [_variable(name, place) for place, (name, _) in enumerate(values)]
    lines = [f"    {name} = {python(value)}" for name, (_, value) in zip(names, values, strict=True)]
    guilty = f"\n      guilty    {witness.guilty}" if witness.guilty else ""
    place = f" at {Path(witness.span.source.name).name}:{witness.span.line}" if witness.span else ""
    return _TEST.format(
        label="".join(_word(report.name)),
        property=finding.property,
        holds=finding.holds[0].upper() + finding.holds[1:],
        message=witness.message,
        expected=_safe(witness.expected),
        actual=_safe(witness.actual),
        guilty=guilty + (place if guilty else ""),
        arguments="\n".join(lines),
        name=report.name,
        names=", ".join(names),
        seed=report.seed,
    )


def _variable(name: str, place: int) -> str:
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"x{place}"


def _word(name: str) -> Iterator[str]:
    for letter in name:
        yield letter if letter.isalnum() else "_"


def _safe(text: str) -> str:
    """Text that may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def python(value: Any) -> str:
    """A value as Python source."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {python(item)}" for name, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(python, value)) + ("," if len(value) == 1 else "") + ")"
    if hasattr(value, "ndim"):
        return repr(value.item()) if value.ndim == 0 else f"np.array({value.tolist()!r})"
    return repr(value)
