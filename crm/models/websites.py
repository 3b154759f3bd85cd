"""Sites inside the network that articles are taken from, and their pages."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Website(models.Model):
    """A site that is read at times; each of its pages becomes an article."""

    start = models.CharField(
        "start address",
        max_length=500,
        unique=True,
        help_text="Such as https://help.intranet/en/. The pages in this folder and below are read.",
    )
    active = models.BooleanField(default=False, help_text="Off: the site is not read.")
    depth = models.PositiveSmallIntegerField(
        default=3, help_text="How many links away from the start address a page may be."
    )
    most_pages = models.PositiveIntegerField(
        "most pages",
        default=500,
        validators=[MinValueValidator(1), MaxValueValidator(20_000)],
    )
    every_hours = models.PositiveSmallIntegerField(
        "read again every … hours", default=0, help_text="0: only by hand."
    )
    publish = models.BooleanField(
        "publish pages at once", default=False, help_text="Off: they become drafts."
    )
    # The number of the run under way or, unless `reading`, of the last one.
    run = models.PositiveIntegerField(default=0, editable=False)
    reading = models.BooleanField(default=False, editable=False)
    cancel = models.BooleanField(default=False, editable=False)
    # The end of the worker's lease; after it, another one goes on.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # When a run last began.
    looked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # "counts" by word; "left_out": [address, sentence]; "outcome": sentences once it has ended.
    report = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["start"]

    def __str__(self) -> str:
        return self.start


class WebsitePage(models.Model):
    """An address that was found on a site: in a run's queue until it has been read in that run."""

    website = models.ForeignKey(Website, on_delete=models.CASCADE, related_name="pages")
    address = models.CharField(max_length=500)
    sitemap = models.BooleanField(default=False)
    # Links away from the start address.
    away = models.PositiveSmallIntegerField(default=0)
    # The runs in which it was last found, and last read.
    found_in = models.PositiveIntegerField()
    read_in = models.PositiveIntegerField(default=0)
    # An article was made of it. The other columns are about that page.
    taken = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, blank=True)
    links = models.JSONField(default=list)
    # As the server named its state: the headers ETag and Last-Modified.
    etag = models.CharField(max_length=300, blank=True)
    modified = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["website", "address"], name="website_page_once")
        ]
        indexes = [models.Index(fields=["website", "digest"], name="website_page_digest")]

    def __str__(self) -> str:
        return self.address
