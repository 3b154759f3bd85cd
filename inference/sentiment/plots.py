"""Plots of a classifier's figures, as PNG files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from inference.evaluation.plots import save

BINS = 15


def compression(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw macro-F1 against milliseconds; the area of a circle shows the size on disk."""
    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    axes.set_xscale("log")
    for row in rows:
        axes.scatter(row["ms"], row["macro_f1"], s=6 * row["mb"] ** 0.8, alpha=0.6)
        label = f"{row['variant']}, {row['mb']:.0f} MB"
        axes.annotate(
            label, (row["ms"], row["macro_f1"]), (6, 4), textcoords="offset points", fontsize=8
        )
    axes.set_xlabel("milliseconds, one message at a time, one thread")
    axes.set_ylabel("macro-F1")
    axes.grid(alpha=0.3)
    axes.margins(0.15)
    save(figure, path)


def reliability(
    confidence: Sequence[float], right: Sequence[bool], error: float, path: Path
) -> None:
    """Draw the share of right labels at each confidence; the diagonal is best."""
    places = np.minimum((np.array(confidence) * BINS).astype(int), BINS - 1)
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(5.5, 6), height_ratios=(3, 1), sharex=True, layout="constrained"
    )
    used = [place for place in range(BINS) if (places == place).sum() >= 10]
    sure = [np.array(confidence)[places == place].mean() for place in used]
    share = [np.array(right)[places == place].mean() for place in used]
    upper.plot([0, 1], [0, 1], color="grey", linewidth=1)
    upper.plot(sure, share, marker="o")
    upper.set_ylabel("share that is right")
    upper.set_title(f"expected calibration error {error:.3f}", fontsize=10)
    lower.hist(confidence, bins=np.linspace(0, 1, BINS + 1).tolist())
    lower.set_xlabel("confidence")
    lower.set_ylabel("messages")
    upper.set_xlim(0.3, 1)
    save(figure, path)
