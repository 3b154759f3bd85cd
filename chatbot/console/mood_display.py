"""Displays of a score between -1 and 1: a word, a badge, a sparkline, a chart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chatbot.models import Message

# Each word, and the lowest score of its band. The word also names the CSS class (mood-upset).
BANDS = {"happy": 0.5, "content": 0.15, "neutral": -0.15, "uneasy": -0.5, "upset": -1.0}


@dataclass(frozen=True)
class Size:
    """The size of a drawing in pixels, and the empty margin on each side of its plot."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def edge(self) -> int:
        return self.width - self.right

    @property
    def floor(self) -> int:
        return self.height - self.bottom

    @property
    def zero(self) -> float:
        return self.y(0.0)

    def x(self, index: int, count: int) -> float:
        share = index / (count - 1) if count > 1 else 1.0
        return round(self.left + share * (self.edge - self.left), 1)

    def y(self, score: float) -> float:
        share = (1 - min(1.0, max(-1.0, score))) / 2
        return round(self.top + share * (self.floor - self.top), 1)


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    score: float
    message: Message | None = None

    @property
    def word(self) -> str:
        return word(self.score)

    @property
    def number(self) -> str:
        return signed(self.score)


SPARKLINE = Size(width=96, height=32, left=3, right=4, top=4, bottom=4)
CHART = Size(width=320, height=170, left=46, right=10, top=12, bottom=30)


def word(score: float) -> str:
    """Return the band of a score. A score below -1 by a rounding error is still `upset`."""
    return next((name for name, lowest in BANDS.items() if score >= lowest), "upset")


def bounds(name: str) -> tuple[float | None, float | None]:
    """Return a band's lower limit and the next band's. None: no limit on that side."""
    names = list(BANDS)
    place = names.index(name)
    lowest = BANDS[name] if place < len(names) - 1 else None
    return lowest, BANDS[names[place - 1]] if place else None


def signed(score: float) -> str:
    """Write a score like +0.40 or −0.64, and +0.00 rather than −0.00."""
    return f"{round(score, 2) + 0.0:+.2f}".replace("-", "−")


def badge(score: float | None) -> SafeString:
    if score is None:
        return format_html('<span class="mood">{}</span>', "not known yet")
    return format_html(
        '<span class="mood mood-{0}"><span class="mood-dot"></span>{0}'
        '<span class="mood-number">{1}</span></span>',
        word(score),
        signed(score),
    )


def sparkline(scores: Sequence[float]) -> SafeString:
    """Draw the last scores, oldest first, as a small picture; nothing without scores."""
    size, count = SPARKLINE, len(scores)
    points = [Point(size.x(i, count), size.y(score), score) for i, score in enumerate(scores)]
    return drawn("admin/chatbot/sparkline.html", size, points)


def chart(messages: Iterable[Message]) -> SafeString:
    """Draw every scored message of a conversation; each point links to its message."""
    scored = [(message, score) for message in messages if (score := message.felt) is not None]
    size, count = CHART, len(scored)
    points = [
        Point(size.x(i, count), size.y(score), score, message)
        for i, (message, score) in enumerate(scored)
    ]
    return drawn("admin/chatbot/chart.html", size, points)


def drawn(template: str, size: Size, points: Sequence[Point]) -> SafeString:
    if not points:
        return SafeString("")
    line = " ".join(f"{point.x},{point.y}" for point in points)
    return render_to_string(template, {"size": size, "line": line, "points": points})
