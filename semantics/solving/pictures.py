"""The picture of a solution: its history and its values on a line enter, a PNG file leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...lang.diagnostics import fail
from .training import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Two colours that stay apart for colour-blind readers (Okabe & Ito); the exact solution is dashed for grey prints.
OURS, EXACT, FAINT = "#0072B2", "#D55E00", "#999999"


def draw(
    path: Path, history: Sequence[Row], error: float | None, trivial: float | None, curves: Mapping[str, Any]
) -> None:
    """Errors (or losses) over steps, and beside them the curves on a line, where there are any."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise fail("E234", "a picture needs matplotlib", hint="pip install 'pushforward[plot]'") from None
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    _history(axes[0], history, error, trivial)
    if curves:
        _line(axes[1], curves)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as problem:
        hint = "name a folder that may be written to, and a file that ends in .png"
        raise fail("E180", f"cannot write `{path}`: {problem}", hint=hint) from None


def _history(axes: Axes, history: Sequence[Row], error: float | None, trivial: float | None) -> None:
    steps = [step for step, _, _ in history]
    if error is None:
        axes.plot(steps, [loss for _, loss, _ in history], color=OURS)
        axes.set_title("Mean squared residual", loc="left")
    else:
        axes.plot(steps, [found or 0.0 for _, _, found in history], color=OURS, label="network")
        axes.set_title(f"Relative L2 error on unseen points: {error:.2e} at the end", loc="left")
        if trivial:
            axes.axhline(trivial, color=FAINT, linestyle=":", label="best multiple of the weight")
            axes.legend(frameon=False)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.spines[["top", "right"]].set_visible(False)


def _line(axes: Axes, curves: Mapping[str, Any]) -> None:
    if "exact" in curves:
        axes.plot(curves["place"], curves["exact"], color=EXACT, linestyle="--", label="exact")
    axes.plot(curves["place"], curves["network"], color=OURS, label="network")
    axes.set_title("The solution on a line through the middle", loc="left")
    axes.set_xlabel("place on the line")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
