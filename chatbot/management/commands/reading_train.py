"""`manage.py reading_train` trains the model that finds the lines that answer."""

import json
import shutil
from argparse import ArgumentParser
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatbot.engines.classifier import WEIGHTS as SENTIMENT
from chatbot.engines.reader import RERANKING, WEIGHTS, large_reranker, trained_here
from chatbot.engines.wishes import WEIGHTS as WISHES
from chatbot.evaluation import companies, talks
from chatbot.teaching import lessons as cases
from inference import json_lines
from inference.models import catalogue
from inference.models.catalogue import ModelError
from inference.reading.reranker import LargeReranker, Pairs, Reranker
from inference.reading.training.data import Lesson
from inference.sentiment import Classifier

COMPANIES = settings.BASE_DIR / "inference" / "reading" / "companies"
CONVERSATIONS = settings.BASE_DIR / "inference" / "conversations"
# Fewer test questions could not be judged: a fifth of them is held back.
FEWEST = 50
# Conversations, and messages of several questions, that are not trained on.
KEPT = (COMPANIES.parent / "turns.jsonl", COMPANIES.parent / "several.jsonl")


class Command(BaseCommand):
    help = (
        "Trains the model that finds the lines that answer, on the questions in "
        "inference/reading/companies and inference/conversations, and the one that ranks the best "
        "of them again (an hour on two cores)."
    )
    # It also runs where the installation's settings are incomplete.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument(
            "--heads",
            action="store_true",
            help="train only the small heads: what is asked, what fields mean (seconds)",
        )
        modes.add_argument(
            "--further",
            action="store_true",
            help="train both models further from their delivered weights, on all questions about "
            "companies or in conversations that they have not learned yet, and on some that they "
            "have (an hour)",
        )
        modes.add_argument(
            "--reranker",
            action="store_true",
            help="train only the model that ranks the reader's first lines again, in the same way",
        )
        modes.add_argument(
            "--large",
            action="store_true",
            help="train only the large reranker further from its delivered weights (an hour and a "
            "half); it reads the lines where the small reranker is not sure",
        )
        modes.add_argument(
            "--calibrate",
            action="store_true",
            help="only fit the rerankers' probabilities and thresholds again (minutes)",
        )
        modes.add_argument(
            "--wishes",
            action="store_true",
            help="train only the model that finds the action that a customer wishes for, from the "
            "reranker's weights on (20 minutes)",
        )
        modes.add_argument(
            "--from-cases",
            action="store_true",
            help="train the reranker further on the test questions that people taught, and use it "
            "here if it ranks better (takes some minutes)",
        )
        work = catalogue.models_dir().parent / "reading"
        parser.add_argument(
            "--work",
            type=Path,
            default=work,
            metavar="FOLDER",
            help="the folder that keeps an unfinished training",
        )

    def handle(self, **options: Any) -> None:
        from inference.reading.training import heads, recipe

        if options["heads"]:
            self.stdout.write(json.dumps(heads.make(WEIGHTS, recorded()), indent=1))
            return
        try:
            start = catalogue.located("encoder")
            folders, say = recipe.Folders(start, options["work"]), self.stderr.write
            if options["wishes"]:
                self.stdout.write(json.dumps(self.match(folders), indent=1))
                return
            by_company = taught()
            if options["from_cases"]:
                self.learn(folders, by_company)
                return
            if options["large"] or options["calibrate"]:
                large = self.train_large(folders, by_company) if options["large"] else needed()
                recipe.calibrate(RERANKING, WEIGHTS, by_company.items(), kept(), large)
                self.stdout.write((RERANKING / "manifest.json").read_text())
                return
            # Checked first, because training takes long.
            large, further = needed(), options["further"] or options["reranker"]
            lessons = with_conversations(by_company)
            if not options["reranker"]:
                if not further or recipe.unlearned((name for name, _ in lessons), WEIGHTS):
                    recipe.make(folders, lessons, WEIGHTS, say, further)
                # Also after an interruption: heads of an earlier reader would be refused.
                heads.make(WEIGHTS, recorded())
            manifest = self.rerank(folders, lessons, large, anew=not further)
        except (ModelError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(manifest, indent=1))

    def match(self, folders: Any) -> dict[str, Any]:
        """Train the model that matches wishes with actions."""
        from inference.reading.training import restoring
        from inference.wishes import training

        model = restoring.restored(folders.start, RERANKING)
        by = training.By(WEIGHTS, Classifier.load(SENTIMENT))
        folders.work.mkdir(parents=True, exist_ok=True)
        return training.make(model, by, folders.work, WISHES, self.stderr.write)

    def rerank(
        self, folders: Any, lessons: list[tuple[str, Lesson]], large: LargeReranker, anew: bool
    ) -> dict[str, Any]:
        """Train the reranker from scratch, or further from its delivered weights."""
        from inference.reading.training import recipe, reranking, restoring

        new: Collection[str] = ()
        if anew:
            model = reranking.starting(folders.start, folders.work / recipe.READERS)
            course, share = recipe.AGAIN, recipe.SHARE
        else:
            model = restoring.restored(folders.start, RERANKING)
            course, share = recipe.FURTHER, recipe.SHARE_FURTHER
            new = recipe.unlearned({name for name, _ in lessons}, RERANKING)
        return recipe.make_reranker(
            model, WEIGHTS, lessons, kept(), folders.work, RERANKING, self.stderr.write, course,
            share, new, large,
        )  # fmt: skip

    def train_large(self, folders: Any, by_company: dict[str, Lesson]) -> LargeReranker:
        """Train the large reranker further, and make its graph."""
        from inference.reading.training import large, recipe

        start = catalogue.published("large-reranker")
        lessons = with_conversations(by_company)
        small = Reranker(RERANKING, WEIGHTS / "tokenizer.json")
        name = recipe.make_large(
            start, WEIGHTS, small, lessons, folders.work, catalogue.DIFFERENCE, self.stderr.write,
            recipe.unlearned({name for name, _ in lessons}, catalogue.DIFFERENCE),
        )  # fmt: skip
        graph = large.make(start, name)
        return LargeReranker(name, Pairs(graph, start / "tokenizer.json").scores)

    def learn(self, folders: Any, by_company: dict[str, Lesson]) -> None:
        """Train on four fifths of the cases beside the usual lessons; judge by the last fifth."""
        from inference.reading.reader import Reader
        from inference.reading.training import calibration, recipe, reranking, restoring

        own = list(cases.lessons())
        if len(own) < FEWEST:
            raise CommandError(f"{len(own)} test questions are too few: {FEWEST} are needed.")
        own_taught = [(recipe.CASES, lesson) for place, lesson in enumerate(own) if place % 5]
        lessons = with_conversations(by_company)
        draft, large = trained_here().with_name("reranking.draft"), large_reranker()
        held_back = kept()
        draft.mkdir(parents=True, exist_ok=True)
        say = self.stderr.write
        folders.work.mkdir(parents=True, exist_ok=True)
        recipe.make_reranker(
            restoring.restored(folders.start, RERANKING), WEIGHTS, [*lessons, *own_taught],
            held_back, folders.work, draft, say, recipe.FROM_CASES, recipe.BESIDE_CASES,
            large=large,
        )  # fmt: skip
        reader, tokenizer = Reader(WEIGHTS), WEIGHTS / "tokenizer.json"
        judged = [
            [one for lesson in part for one in reranking.cases(reader, lesson)]
            for part in (own[::5], held_back)
        ]
        before, after = (
            [calibration.hit1(Reranker(folder, tokenizer, large), part) for part in judged]
            for folder in (RERANKING, draft)
        )
        figures = f"right line first: {before} before, {after} after (cases, conversations)"
        if not better(before, after):
            raise CommandError(f"Refused: {figures}. The running weights stay in service.")
        shutil.rmtree(trained_here(), ignore_errors=True)
        draft.rename(trained_here())
        self.stdout.write(f"{figures}. Restart Attune to put them into service.")


def better(before: Sequence[float], after: Sequence[float]) -> bool:
    """Tell whether more is right on the cases held back, and no less on kept conversations."""
    return after[0] > before[0] and after[1] >= before[1]


def taught() -> dict[str, Lesson]:
    """Return the questions about each company that has any; the others have conversations only."""
    lessons = {
        path.stem: companies.lesson(list(json_lines.rows(path)))
        for path in sorted(COMPANIES.glob("*.jsonl"))
    }
    return {name: lesson for name, lesson in lessons.items() if lesson.asked}


def needed() -> LargeReranker:
    """Return the large reranker, or stop: training without it would erase the thresholds for both
    from the manifest."""
    if large := large_reranker():
        return large
    raise CommandError("The large reranker is needed. Type: manage.py models fetch large-reranker")


def with_conversations(by_company: dict[str, Lesson]) -> list[tuple[str, Lesson]]:
    """Return what may be trained on: each company's questions, and the conversations."""
    return [*by_company.items(), *spoken(sorted(CONVERSATIONS.glob("*.jsonl")))]


def kept() -> list[Lesson]:
    """Return the conversations and messages that are not trained on."""
    return [lesson for _, lesson in spoken(KEPT)]


def spoken(files: Iterable[Path]) -> Iterator[tuple[str, Lesson]]:
    """Yield each conversation with its lesson's name: "bank/accountant"."""
    for path in files:
        for talk in json_lines.rows(path):
            company = talks.company_in(COMPANIES, talk["company"])
            yield f"{talk['company']}/{path.stem}", talks.lesson(company, talk)


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Return the records of each company."""
    return {
        path.stem: [row["record"] for row in json_lines.rows(path) if "record" in row]
        for path in sorted(COMPANIES.glob("*.jsonl"))
    }
