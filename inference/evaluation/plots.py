"""Plots of figures, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter

# Least distance of two labels, as a share of the width, so that they do not overlap.
LABEL_GAP = 0.03
OUTCOMES = {
    "right": "tab:green",
    "refused": "tab:blue",
    "handed off": "tab:purple",
    "wrong": "tab:orange",
    "forbidden": "tab:red",
}


def outcomes(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the shares of each outcome per kind of question; rows as from `answers.table`."""
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(rows) + 1.2), layout="constrained")
    kinds = [f"{row['kind']} ({row['questions']})" for row in rows]
    left = [0.0] * len(rows)
    for name, colour in OUTCOMES.items():
        shares = [row[name] / row["questions"] for row in rows]
        axes.barh(kinds, shares, left=left, label=name, color=colour)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("share of the questions; refused and handed off: where an answer was expected")
    axes.legend(loc="lower left", fontsize=8)
    save(figure, path)


def waiting(seconds: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draw the share of customers who see something within so many seconds."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, values in seconds.items():
        ordered = sorted(values)
        axes.step(ordered, [(n + 1) / len(ordered) for n in range(len(ordered))], label=name)
    axes.set_xlabel("seconds")
    axes.set_ylabel("share of the questions")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)


def searches(tables: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Draw each measure as a group of bars, one per search."""
    measures = list(next(iter(tables.values())))
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    width = 0.8 / len(tables)
    for number, (name, row) in enumerate(tables.items()):
        places = [place + number * width for place in range(len(measures))]
        axes.bar(places, [row[measure] for measure in measures], width, label=name)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(measures))], measures)
    axes.set_ylim(0, 1)
    axes.legend(loc="lower right")
    save(figure, path)


def abstention(rows: list[dict[str, float]], path: Path) -> None:
    """Draw precision against recall as the floor rises below which nothing is answered."""
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.plot([row["recall"] for row in rows], [row["precision"] for row in rows], marker="o")
    for row in rows:
        place = (row["recall"], row["precision"])
        axes.annotate(f"{row['answered']:.0%} answered", place, (4, 4), textcoords="offset points")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.grid(alpha=0.3)
    save(figure, path)


def frontier(rows: list[dict[str, float]], path: Path) -> None:
    """Draw the right answers kept against token time, a point for each threshold."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot([row["token_time"] for row in rows], [row["kept"] for row in rows], marker="o")
    labelled = 2.0
    for row in sorted(rows, key=lambda row: -row["token_time"]):
        if labelled - row["token_time"] < LABEL_GAP:
            continue
        labelled = row["token_time"]
        place = (row["token_time"], row["kept"])
        axes.annotate(f"{row['threshold']:.2f}", place, (-6, 8), textcoords="offset points")
    axes.axhline(0.98, linestyle="--", linewidth=0.8)
    axes.axvline(0.60, linestyle="--", linewidth=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.margins(y=0.15)
    axes.set_xlabel("share of the large tier's token time; labels: the threshold")
    axes.set_ylabel("share of the large tier's right answers")
    axes.grid(alpha=0.3)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110)
    plt.close(figure)
