"""Low rank: replaces the embedding matrix by a product of two thin ones (SVD)."""

import torch
from torch import Tensor, nn

from inference.sentiment.distillation.model import Scorer


class ThinEmbedding(nn.Module):
    """An embedding (words, rank) followed by a map (rank, width): the nearest of that rank."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        left, values, right = torch.linalg.svd(weight.float(), full_matrices=False)
        self.rows = nn.Embedding.from_pretrained(left[:, :rank] * values[:rank], freeze=False)
        self.columns = nn.Linear(rank, weight.shape[1], bias=False)
        self.columns.weight.data = right[:rank].T.contiguous()

    def forward(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.columns(self.rows(ids))
        return vectors


def factorise(scorer: Scorer, rank: int) -> Scorer:
    embeddings = scorer.body.embeddings
    embeddings.word_embeddings = ThinEmbedding(embeddings.word_embeddings.weight.data, rank)
    return scorer
