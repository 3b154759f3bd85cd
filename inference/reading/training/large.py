"""Builds the large reranker on the installed machine, from the published model and the adapter.

`python -m inference.reading.training.large FOLDER` writes an 8-bit graph into a folder with
all-mpnet-base-v2. It is a separate process because it loads torch.
"""

import argparse
import warnings
from pathlib import Path

from inference.models.catalogue import DIFFERENCE, LARGE_RERANKER
from inference.reading.training import low_rank, weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore")
    print(make(folder, LARGE_RERANKER))


def make(folder: Path, name: str) -> Path:
    """Write the graph with the delivered adapter; `name` becomes part of its file name."""
    file = DIFFERENCE / "difference.npz"
    if low_rank.name_of(file) != name:
        raise ValueError(f"{file} does not belong to {name}. Install this release again.")
    model = low_rank.adapted(folder)
    low_rank.restore(model, file)
    low_rank.join(model)
    target = folder / f"{name}.int8.onnx"
    weights.write_graph(model, target)
    # The previous version stays, because other processes may still start with it.
    made = sorted(folder.glob("*.int8.onnx"), key=lambda path: path.stat().st_mtime)
    for earlier in made[:-2]:
        earlier.unlink(missing_ok=True)
    return target


if __name__ == "__main__":
    main()
