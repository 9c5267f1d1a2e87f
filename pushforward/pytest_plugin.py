"""The pytest plug-in: `.pf` files enter, their test blocks leave as test items.

Files are collected when the ini option `pf_files` matches them (``pf_files = *.pf``) or when the command line names
them. Loading the plug-in imports neither NumPy nor JAX; the pipeline is imported when the first file is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ("reference", "xla", "llvm")


class ClaimsFailed(Exception):
    """Claims of a test block that do not hold; the text shows each with its place in the source."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option `pf_files` and the option `--pf-backend`."""
    parser.addini("pf_files", "glob patterns of .pf files whose test blocks are collected", type="args", default=[])
    group = parser.getgroup("pushforward")
    group.addoption(
        "--pf-backend",
        action="append",
        choices=BACKENDS,
        help="run claims of .pf files on this back end only (may be repeated; default: all)",
    )
    group.addoption("--pf-seed", type=int, default=0, help="seed of random directions in claims of .pf files")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PfFile | None:
    """A `.pf` file that was asked for, as a collector of its test blocks."""
    if file_path.suffix != ".pf":
        return None
    patterns = parent.config.getini("pf_files")
    if parent.session.isinitpath(file_path) or any(file_path.match(pattern) for pattern in patterns):
        return PfFile.from_parent(parent, path=file_path)
    return None


class PfFile(pytest.File):
    """One `.pf` file; its diagnostics are errors of collection."""

    def collect(self) -> Iterator[PfTest]:
        """One item per test block."""
        from ._module import load
        from .lang.diagnostics import DiagnosticError

        try:
            module = load(self.path)
        except DiagnosticError as error:
            raise self.CollectError(str(error)) from None
        for test in module.checked.tests:
            yield PfTest.from_parent(self, name=test.test.name, module=module, line=test.test.span.line)


class PfTest(pytest.Item):
    """One test block: every claim on every back end that can run it."""

    def __init__(self, *, module: Any, line: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.module = module
        self.line = line

    def runtest(self) -> None:
        """Run the claims; a failing one is shown as a diagnostic."""
        from . import _wire

        chosen = tuple(self.config.getoption("pf_backend") or BACKENDS)
        results = _wire.run_tests(self.module.checked, chosen, int(self.config.getoption("pf_seed") or 0), self.name)
        own = [result for result in results if result.test == self.name]
        failed = [result for result in own if result.status == "failed"]
        if failed:
            raise ClaimsFailed("\n\n".join(str(result.diagnostic or result.why) for result in failed))
        if own and all(result.status == "skipped" for result in own):
            pytest.skip(own[0].why)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Diagnostics as they are, anything else with its traceback."""
        from .lang.diagnostics import DiagnosticError

        if isinstance(excinfo.value, (ClaimsFailed, DiagnosticError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test block starts."""
        return self.path, self.line - 1, self.name
