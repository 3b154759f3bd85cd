"""Low rank: the embedding matrix as the product of two thin ones, by singular values."""

import torch
from torch import Tensor, nn

from inference.sentiment.distillation.model import Scorer


class ThinEmbedding(nn.Module):
    """(words, rank) looked up, then (rank, width): the nearest matrix of that rank."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        left, values, right = torch.linalg.svd(weight.float(), full_matrices=False)
        self.rows = nn.Embedding.from_pretrained(left[:, :rank] * values[:rank], freeze=False)
        self.columns = nn.Linear(rank, weight.shape[1], bias=False)
        self.columns.weight.data = right[:rank].T.contiguous()

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.columns(self.rows(ids))
        return found


def factorise(scorer: Scorer, rank: int) -> Scorer:
    embeddings = scorer.body.embeddings
    embeddings.word_embeddings = ThinEmbedding(embeddings.word_embeddings.weight.data, rank)
    return scorer
