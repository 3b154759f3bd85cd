"""What the reader learns from: texts, and questions that a line of them answers, or none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """A question, and the places of the lesson's lines that answer it; none if nothing does."""

    question: str
    right: frozenset[int]


@dataclass(frozen=True)
class Lesson:
    """Questions about the same texts. passages: a title and lines each, as `lines.cut` gives."""

    passages: tuple[tuple[str, tuple[str, ...]], ...]
    asked: tuple[Asked, ...]


def alone(lesson: Lesson) -> Lesson:
    """Take the lines out of their passages: each is read by itself, after its title."""
    texts = [f"{title}: {line}" for title, lines in lesson.passages for line in lines]
    return Lesson(tuple(("", (text,)) for text in texts), lesson.asked)
