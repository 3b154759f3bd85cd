"""Articles that people write in Attune itself, with their versions."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Article(models.Model):
    """A text for customers, in Markdown. This row is the working copy; customers are told the
    published version, which is the shared record `articles/<id>`."""

    class Kind(models.TextChoices):
        ARTICLE = "article", "Article"
        QUESTION = "question", "Question and answer"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    # Put before the ids of the records, so that no CRM can overwrite them.
    NAMESPACE = "articles"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ARTICLE)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT, editable=False)
    title = models.CharField(
        max_length=500, help_text="What it is about, or the question as a customer would ask it."
    )
    body = models.TextField(
        "text", help_text="Markdown: you can use lists, tables, links and **bold**."
    )
    language = models.CharField(
        max_length=10, default="en", help_text="The bot answers only from English articles."
    )
    address = models.CharField(
        "public address",
        max_length=500,
        blank=True,
        help_text="The page on your site where customers can read it, if there is one.",
    )
    # Keys of inboxes; none: all of them.
    inboxes = models.JSONField(default=list, blank=True)
    review_by = models.DateField(
        null=True, blank=True, help_text="The day by which somebody should read it again."
    )
    # The file or page that it was imported from; "" if somebody wrote it here.
    source = models.CharField(max_length=500, blank=True, editable=False, db_index=True)
    # The number of the version that customers are told; null if there is none.
    published = models.PositiveIntegerField(null=True, blank=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["title", "id"]
        # For the list in the admin, by what it is sorted and filtered.
        indexes = [
            models.Index(fields=["title", "id"], name="article_title"),
            models.Index(fields=["changed_at", "id"], name="article_changed"),
            models.Index(fields=["state", "changed_at", "id"], name="article_state"),
            models.Index(fields=["kind", "changed_at", "id"], name="article_kind"),
            models.Index(fields=["review_by", "-id"], name="article_review"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def record(self) -> str:
        """The id of the record that customers are told."""
        return f"{self.NAMESPACE}/{self.pk}"


class ArticleVersion(models.Model):
    """An article as somebody saved it."""

    # The fields of its article that a version holds.
    CONTENT = ("kind", "title", "body", "language", "address", "inboxes")

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    # Says what was done: "restored version 3", "imported from terms.pdf".
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(default=timezone.now)
    # It came from the article's source, and nobody wrote it here.
    imported = models.BooleanField(default=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="article_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.content.get('title', '')}, version {self.number}"
