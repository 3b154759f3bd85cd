"""Holds the lessons of the reader and the reranker: texts, and questions that some of their lines
answer, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A question, and the places of the lesson's lines that answer it; none if nothing does."""

    question: str
    right: frozenset[int]
    # In a conversation: the question before, and with the answer to it; and how much more likely
    # it is about some lines than about others, in units of the ranks.
    asked_before: str = ""
    before: str = ""
    leaning: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """Questions about the same texts. passages: a title and lines each, as `lines.cut` gives."""

    passages: tuple[tuple[str, tuple[str, ...]], ...]
    asked: tuple[Asked, ...]

    @property
    def texts(self) -> list[str]:
        """The passages as the reader takes them."""
        return ["\n".join([title, *lines]) for title, lines in self.passages]


def alone(lesson: Lesson) -> Lesson:
    """Take the lines out of their passages: each is read by itself, after its title."""
    texts = [f"{title}: {line}" for title, lines in lesson.passages for line in lines]
    return Lesson(tuple(("", (text,)) for text in texts), lesson.asked)
