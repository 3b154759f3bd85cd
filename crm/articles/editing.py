"""Every change of an article: saving, publishing, archiving, and taking it from a file or a page.

Customers are told the published version, which is a shared record of its own: a CRM cannot
overwrite it, and nothing that is written here overwrites a CRM's record.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from crm.knowledge import jobs, records
from crm.models import Article, ArticleVersion, Record
from crm.plumbing import background

State = Article.State


@transaction.atomic
def save(article: Article, by: User | None = None, note: str = "") -> ArticleVersion:
    """Store the working copy. It becomes a new version if its content has changed."""
    article.changed_at = timezone.now()
    article.save()
    return record_version(article, by, note)


@transaction.atomic
def publish(article: Article, by: User | None = None, note: str = "") -> None:
    """Tell customers the working copy from now on."""
    article.state = State.PUBLISHED
    article.published = save(article, by, note).number
    article.save(update_fields=["published"])
    tell(article)


@transaction.atomic
def archive(
    article: Article, by: User | None = None, note: str = "archived", imported: bool = False
) -> None:
    """Tell customers nothing of the article any more, and keep it with its versions. imported: it
    has vanished at its source."""
    article.state, article.published = State.ARCHIVED, None
    article.changed_at = timezone.now()
    article.save()
    record_version(article, by, note, imported, always=True)
    records.delete(article.record, after_what_is_told(article))


@transaction.atomic
def restore(article: Article, number: int, by: User | None = None) -> ArticleVersion:
    """Make an earlier version the working copy. Customers are told it once it is published."""
    for name, value in article.versions.get(number=number).content.items():
        setattr(article, name, value)
    if article.state == State.ARCHIVED:
        article.state = State.DRAFT
    return save(article, by, f"restored version {number}")


def differs(article: Article) -> bool:
    """Tell whether the working copy is something else than customers are told."""
    if article.published is None:
        return True
    told = article.versions.get(number=article.published)
    return bool(told.content != content(article))


# --- from files and pages


@transaction.atomic
def take(
    source: str,
    title: str,
    body: str,
    *,
    address: str = "",
    note: str = "",
    publish: bool = False,
) -> str:
    """Create or update the article that comes from `source`, a file's path or a page's address.

    Returns "created", "updated", "unchanged", or "edited here": an article that somebody has
    changed in Attune since it was last taken is left alone.
    """
    article = Article.objects.select_for_update().filter(source=source).first()
    known = article is not None
    article = article or Article(source=source)
    if known and not article.versions.latest("number").imported:
        return "edited here"
    before = content(article), article.state
    article.title, article.body, article.address = title, body, address
    if article.state == State.ARCHIVED:
        article.state = State.DRAFT  # It is at its source again.
    if known and (content(article), article.state) == before and not (publish and differs(article)):
        return "unchanged"
    article.changed_at = timezone.now()
    article.save()
    version = record_version(article, None, note or f"taken from {source}"[:300], imported=True)
    if publish:
        article.state, article.published = State.PUBLISHED, version.number
        article.save(update_fields=["state", "published"])
        tell(article)
    return "updated" if known else "created"


@transaction.atomic
def withdraw(source: str) -> bool:
    """Archive the article whose source has vanished, unless somebody has changed it here. Tells
    whether it did."""
    article = Article.objects.select_for_update().filter(source=source).first()
    if article is None or article.state == State.ARCHIVED:
        return False
    if not article.versions.latest("number").imported:
        return False
    archive(article, note=f"{source} is gone"[:300], imported=True)
    return True


# --- what both need


def content(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in ArticleVersion.CONTENT}


def record_version(
    article: Article,
    by: User | None,
    note: str,
    imported: bool = False,
    always: bool = False,
) -> ArticleVersion:
    """Return the newest version; a new one if the content has changed, or `always`."""
    newest = article.versions.first()
    if newest and newest.content == content(article) and not always:
        return newest
    number = newest.number + 1 if newest else 1
    return article.versions.create(
        number=number, content=content(article), note=note, by=by, imported=imported
    )


def after_what_is_told(article: Article) -> datetime:
    """Return now, or just after the record's last change if a clock was set back since: an older
    record would change nothing."""
    told = Record.objects.filter(id=article.record).values_list("updated_at", flat=True).first()
    return max(timezone.now(), told + timedelta(microseconds=1)) if told else timezone.now()


def tell(article: Article) -> None:
    """Write the record that customers are told, and have it embedded."""
    record = Record(
        id=article.record,
        kind=article.kind,
        title=article.title,
        text=article.body,
        inboxes=article.inboxes,
        address=article.address,
        updated_at=after_what_is_told(article),
    )
    record.states = [records.state(record)]
    records.upsert([record], records.ImportReport())
    background.soon(jobs.embed)
