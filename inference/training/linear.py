"""Fits logistic regressions, for small heads on the vectors of a model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

STEPS = 300


def fitted(
    vectors: NDArray[Any], labels: Sequence[int], classes: int, freedom: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weight (classes, width) and bias (classes,) that minimise the summed cross-entropy
    plus half the squared weights divided by `freedom`, by L-BFGS."""
    inputs = torch.tensor(vectors, dtype=torch.float64)
    truth = torch.tensor(labels)
    weight = torch.zeros(classes, inputs.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=STEPS, tolerance_change=1e-9, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        search.zero_grad()
        logits = inputs @ weight.T + bias
        value = torch.nn.functional.cross_entropy(logits, truth, reduction="sum")
        value = value + (weight**2).sum() / (2 * freedom)
        value.backward()
        return value

    search.step(loss)
    return weight.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32)
