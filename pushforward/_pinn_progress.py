"""The progress of a training: steps, losses and times enter, a bar on standard error leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .semantics.solving.training import Watch


@contextmanager
def progress_bar(steps: int, wanted: bool | None) -> Iterator[Watch]:
    """What a training calls after some steps; it draws nothing where no bar is wanted, or seen."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda done, loss, seconds: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = TextColumn("loss {task.fields[loss]:.3e}, {task.fields[pace]:.2f} ms a step")
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), shown, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=sys.stderr.isatty()) as progress:
        task = progress.add_task("training", total=steps, loss=float("nan"), pace=float("nan"))
        yield lambda done, loss, seconds: progress.update(task, completed=done, loss=loss, pace=1e3 * seconds)
