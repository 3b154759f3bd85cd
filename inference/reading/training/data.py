"""Holds the lessons of the reader and the reranker: texts, and questions that some of their lines
answer, or none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

from inference.reading.reader import together

# A title and its lines.
Passage = tuple[str, tuple[str, ...]]


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
    # The lines outside the question's own lesson, such as those about other customers.
    unseen: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Lesson:
    """Questions about the same texts. passages: as `lines.cut` gives them."""

    passages: tuple[Passage, ...]
    asked: tuple[Asked, ...]

    @property
    def texts(self) -> list[str]:
        """The passages as the reader takes them."""
        return ["\n".join([title, *lines]) for title, lines in self.passages]


def merged(lessons: Sequence[Lesson]) -> Lesson:
    """Put lessons about the same company together: all their passages, and all their questions,
    each of which sees only the passages of its own lesson. A further question is read after the
    question before it."""
    passages = tuple(dict.fromkeys(one for lesson in lessons for one in lesson.passages))
    ends = accumulate(len(lines) for _, lines in passages)
    places = {one: range(end - len(one[1]), end) for one, end in zip(passages, ends, strict=True)}
    asked = tuple(one for lesson in lessons for one in seen(lesson, places))
    return Lesson(passages, asked)


def seen(lesson: Lesson, places: Mapping[Passage, range]) -> Iterator[Asked]:
    """Yield a lesson's questions over more passages than its own. places: for each passage,
    the places of its lines."""
    own = [place for one in lesson.passages for place in places[one]]
    unseen = frozenset(chain(*places.values())).difference(own)
    for one in lesson.asked:
        right = frozenset(own[at] for at in one.right)
        yield Asked(together(one.asked_before, one.question), right, unseen=unseen)


def alone(lesson: Lesson) -> Lesson:
    """Take the lines out of their passages: each is read by itself, after its title."""
    texts = [f"{title}: {line}" for title, lines in lesson.passages for line in lines]
    return Lesson(tuple(("", (text,)) for text in texts), lesson.asked)
