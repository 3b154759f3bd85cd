"""The transformer that scores messages, the same architecture for teacher and student.

Mean-pooled features, a linear head for sentiment and one for emotion hints. The heads stay outside
the exported graph: they are small, and a site can tune them without torch.
"""

from pathlib import Path

from torch import Tensor, nn
from transformers import AutoModel

from inference.sentiment.classifier import EMOTIONS, LABELS


class Scorer(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        width = body.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.sentiment = nn.Linear(width, len(LABELS))
        self.emotion = nn.Linear(width, len(EMOTIONS))

    @classmethod
    def from_folder(cls, folder: Path) -> "Scorer":
        return cls(AutoModel.from_pretrained(folder, add_pooling_layer=False))

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the mean of the last layer over the real tokens: (rows, width)."""
        hidden = self.body(ids, attention_mask=mask).last_hidden_state
        real = mask[..., None].to(hidden.dtype)
        return (hidden * real).sum(1) / real.sum(1).clamp(min=1)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (rows, 3) of the sentiment and (rows, 4) of the emotions."""
        features = self.dropout(self.features(ids, mask))
        return self.sentiment(features), self.emotion(features)


def freeze(model: Scorer, layers: int) -> None:
    """Freeze the embeddings and the lowest layers: less to compute, and little is lost."""
    parts = [model.body.embeddings, *model.body.encoder.layer[:layers]]
    for part in parts:
        part.requires_grad_(False)


def without_dropout(model: Scorer) -> None:
    """Switch dropout off: one pass over the data cannot overfit, and dropout takes time."""
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
