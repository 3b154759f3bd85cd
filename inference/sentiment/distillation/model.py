"""The transformer that scores messages, the same architecture for teacher and student.

Mean-pooled features, and a linear head each for sentiment, emotion hints and intents. The heads
stay outside the exported graph: they are small, and a site can tune them without torch.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inference.sentiment.classifier import EMOTIONS, INTENTS, LABELS
from inference.training import body
from inference.training.fitting import Say, accelerator, half_precision
from inference.training.tokens import Tokens


class Scorer(nn.Module):
    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.body = transformer
        width = transformer.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.sentiment = nn.Linear(width, len(LABELS))
        self.emotion = nn.Linear(width, len(EMOTIONS))
        self.intent = nn.Linear(width, len(INTENTS))

    @classmethod
    def from_folder(cls, folder: Path) -> "Scorer":
        return cls(body.from_folder(folder))

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the mean of the last layer: (rows, width)."""
        return body.pooled(self.body(ids, attention_mask=mask).last_hidden_state, mask)

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (rows, 3) of the sentiment, (rows, 4) of the emotions and (rows, 11) of the
        intents."""
        return self.sentiment(features), self.emotion(features), self.intent(features)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.heads(self.dropout(self.features(ids, mask)))


@dataclass(frozen=True)
class Scores:
    """The scores of texts, in order: `logits` (texts, 3), `emotions` (texts, 4), `intents`
    (texts, 11), `features`."""

    logits: Tensor
    emotions: Tensor
    intents: Tensor
    features: Tensor


@torch.inference_mode()
def scores(model: Scorer, tokens: Tokens, say: Say) -> Scores:
    device = accelerator()
    model.to(device).eval()
    features = torch.zeros(len(tokens.ids), model.sentiment.in_features, dtype=torch.float16)
    for number, batch in enumerate(tokens.in_order()):
        with half_precision(device):
            batch_features = model.features(batch.ids.to(device), batch.mask.to(device))
        features[batch.rows] = batch_features.half().cpu()
        if number % 100 == 0:
            say(f"scored {number * 64} of {len(tokens.ids)}, short ones first")
    logits, emotions, intents = (head.cpu() for head in model.heads(features.float().to(device)))
    return Scores(logits, emotions, intents, features)
