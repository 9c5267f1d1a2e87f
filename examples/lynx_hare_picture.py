"""The picture of the fit: counts, fitted curves and residuals enter, a PNG file leaves."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the drawing back end has to be chosen first)

Array = NDArray[np.float64]

# Two colours that stay apart for colour-blind readers (Okabe & Ito), and two shapes for grey prints.
SPECIES = (("hares", "#0072B2", "o"), ("lynxes", "#D55E00", "s"))


def draw(path: Path, years: Array, counts: Array, states: Array, sigma: Array, value: float) -> None:
    """Counts [n, 2], fitted states [k (n - 1) + 1, 2] at k steps a year, and noise sigma [2] of the logarithms."""
    steps = (len(states) - 1) // (len(years) - 1)
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), sharex=True, height_ratios=(3, 1), layout="constrained")
    for k in range(2):
        curve(above, k, np.linspace(years[0], years[-1], len(states)), states[:, k], sigma[k])
        above.plot(years, counts[:, k], SPECIES[k][2], color=SPECIES[k][1], markersize=5)
        residuals(below, k, years, np.log(counts[:, k] / states[::steps, k]) / sigma[k])
    label(above, below, years, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def curve(axes: Axes, k: int, times: Array, states: Array, sigma: float) -> None:
    """A fitted curve, within a band of one standard deviation of the log-normal noise, named in the legend."""
    name, colour, marker = SPECIES[k]
    axes.fill_between(times, states * np.exp(-sigma), states * np.exp(sigma), color=colour, alpha=0.15, linewidth=0)
    axes.plot(times, states, color=colour)
    axes.plot([], [], f"{marker}-", color=colour, markersize=5, label=name)  # what the legend shows


def residuals(axes: Axes, k: int, years: Array, values: Array) -> None:
    """Residuals as stems, the two species side by side."""
    _, colour, marker = SPECIES[k]
    places = years + (0.12 if k else -0.12)
    axes.vlines(places, 0.0, values, color=colour, linewidth=1.2)
    axes.plot(places, values, marker, color=colour, markersize=4)


def label(above: Axes, below: Axes, years: Array, value: float) -> None:
    """Title, axes and guide lines."""
    above.set_title(f"Hares and lynxes, Lotka-Volterra fit (negative log-likelihood {value:.3f})", loc="left")
    above.set_ylabel("pelts (thousands)")
    above.set_ylim(bottom=0.0)
    above.legend(frameon=False, title="counts, fit, ± 1 s.d. of the noise", loc="upper right", ncols=2)
    below.axhline(0.0, color="#444444", linewidth=0.8)
    for level in (-2.0, 2.0):
        below.axhline(level, color="#999999", linewidth=0.8, linestyle=":")
    below.set_ylabel("log residual\n(s.d.)")
    below.set_ylim(-3.2, 3.2)
    below.set_xlabel("year")
    below.set_xticks(np.arange(years[0], years[-1] + 1, 2))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
