"""Questions with known answers: taught by people, and asked again in test runs."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chatbot.models.conversations import Message
from chatbot.models.inboxes import Inbox
from crm.models import Customer


class Case(models.Model):
    """A question, and what a right answer to it holds."""

    class Verdict(models.TextChoices):
        RIGHT = "right", "The answer was right"
        WRONG = "wrong", "The answer was wrong"
        KEPT = "kept", "Kept from the playground"
        WRITTEN = "written", "Written or uploaded"

    question = models.TextField(max_length=4_000)
    # What was said before, as the fields of chatbot.reply.ask.Talk; empty for a first question.
    before = models.JSONField(default=dict, blank=True, editable=False)
    # The question is asked as this customer; null: as somebody unknown.
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    inbox = models.ForeignKey(Inbox, null=True, blank=True, on_delete=models.SET_NULL)
    # In the form of inference.evaluation.answers: a state such as "refuse", or groups of
    # alternatives, one of each in the answer.
    expect = models.JSONField(default=list, blank=True)
    # Texts that a right answer does not show.
    forbid = models.JSONField(default=list, blank=True)
    # What should be said, in words.
    answer = models.TextField(
        blank=True,
        help_text="A note for people. Attune judges answers by the fields above.",
    )
    # The id of the record that answers; "" if it is not known. A right answer cites it.
    record = models.CharField(max_length=200, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.WRITTEN)
    # The bot's answer that was judged. Erasing or deleting the conversation deletes the case.
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.CASCADE, related_name="case"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(default=timezone.now)
    active = models.BooleanField(default=True, help_text="Off: test runs leave it out.")

    class Meta:
        ordering = ["-id"]
        verbose_name = "test question"

    def __str__(self) -> str:
        # The audit log keeps it for ever, so it must not be a customer's words.
        return f"Test question {self.pk}" if self.pk else "New test question"


class TestRun(models.Model):
    """Questions asked against the published articles and against the drafts, side by side."""

    # pytest takes it for a class of tests.
    __test__ = False

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    # Ask each question with the drafts too; the nightly run does not.
    drafts = models.BooleanField("with the drafts too", default=True)
    nightly = models.BooleanField(default=False, editable=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # By side ("live", "draft") the count of each outcome, and how many answers "changed"; of a
    # nightly run also by how many points the share of right answers "fell".
    figures = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    cancel = models.BooleanField(default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class TestResult(models.Model):
    """One question of a run. live, draft: {"answer", "state", "outcome", "citations"}."""

    __test__ = False

    run = models.ForeignKey(TestRun, on_delete=models.CASCADE, related_name="results")
    # Null: the question came from an uploaded file or a past conversation, and stands in `asked`.
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.CASCADE)
    # The past message that asked it. Redacting or deleting its conversation deletes the row.
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE)
    # The question as it is asked: {"question", "inbox", "before", "expect", "forbid", "record"}.
    asked = models.JSONField(default=dict)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    live = models.JSONField(default=dict)
    draft = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.asked.get("question", ""))[:100]
