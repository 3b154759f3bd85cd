"""The checklist of a new installation: on the admin's first page until it is done or put away.

What is done is read from the data, not ticked by hand.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from chatbot.models import (
    OWN_COLOUR,
    ApiKey,
    Case,
    Inbox,
    InboxLogo,
    SetupDismissed,
    Visitor,
)
from chatbot.people.hours import WEEKDAYS
from crm.admin.many import COUNTED
from crm.knowledge.records import ARTICLES
from crm.models import Article, Record

MAY_SEE = "chatbot.change_inbox"
# As many questions show the main ways in which the bot answers: see TRY.
QUESTIONS = 5
TRY = [
    "about one of a customer's own records, such as where an order is",
    "that an article answers",
    "that follows up on the previous answer, such as “and how much is it?”",
    "that has no answer on record: the bot has to say so",
    "in the words of a customer who is upset",
]


@dataclass(frozen=True)
class Step:
    """One step: what the data says of it, and the pages on which it is done, (name, address)."""

    title: str
    about: str
    done: bool
    links: list[tuple[str, str]]
    # A part of the template that shows more: "snippet" or "questions".
    more: str = ""
    optional: bool = False


def shown(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the checklist to the admin's first page, as unfold's DASHBOARD_CALLBACK."""
    if settings.DEMO or not request.user.has_perm(MAY_SEE) or SetupDismissed.objects.exists():
        return context
    found = panel(request)
    done = found["setup_done"] == found["setup_needed"]
    return context if done else context | found | {"setup_dismissable": True}


def page(request: HttpRequest) -> HttpResponse:
    """Show the checklist at any time."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    context = admin.site.each_context(request) | panel(request)
    return TemplateResponse(request, "admin/chatbot/setup.html", context | {"title": "Setup"})


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """Put the checklist away, for everybody."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    SetupDismissed.objects.get_or_create(id=1, defaults={"by_id": request.user.pk})
    return HttpResponseRedirect(reverse("admin:index"))


def panel(request: HttpRequest) -> dict[str, Any]:
    inbox = Inbox.objects.order_by("id").first()
    listed = steps(request, inbox)
    needed = [step for step in listed if not step.optional]
    return {
        "setup": listed,
        "setup_done": sum(step.done for step in needed),
        "setup_needed": len(needed),
        "setup_inbox": inbox,
        "setup_questions": TRY,
        "loader": request.build_absolute_uri(reverse("loader")),
    }


def steps(request: HttpRequest, inbox: Inbox | None) -> list[Step]:
    return [
        of_inbox(request, inbox),
        of_knowledge(request),
        of_snippet(request, inbox),
        of_people(request, inbox),
        of_questions(request),
        of_keys(request),
    ]


def of_inbox(request: HttpRequest, inbox: Inbox | None) -> Step:
    title = "Your company and its inbox"
    if inbox is None:
        about = "There is no inbox yet. An inbox receives what customers write on your site."
        return Step(title, about, False, links(request, ("Add an inbox", "chatbot_inbox_add")))
    has_logo = InboxLogo.objects.filter(inbox=inbox).exists()
    chosen = has_logo or inbox.colour != OWN_COLOUR or bool(inbox.suggestions)
    look = (
        "It has its own look."
        if chosen
        else "It still has Attune's look. Choose a colour, a logo or suggested questions."
    )
    about = f"Your customers write to “{inbox.name}”. {look}"
    pages = of_form(inbox, ("Name, colour, logo, greeting", ""))
    # An inbox that `manage.py inbox add` has made is called after its key.
    return Step(title, about, chosen or inbox.name != inbox.key, pages)


def of_knowledge(request: HttpRequest) -> Step:
    articles = Article.objects.exclude(published=None).count()
    others = Record.objects.filter(deleted=False).exclude(id__startswith=ARTICLES)
    records = others[:COUNTED].count()
    more = " or more" if records == COUNTED else ""
    about = (
        f"Published articles: {articles:,}. Records: {records:,}{more}."
        if articles or records
        else "The bot answers only from your articles and records. There are none yet."
    )
    pages = links(
        request,
        ("Write an article", "crm_article_add"),
        ("Import files", "crm_import_add"),
        ("Read a website", "crm_website_add"),
    )
    return Step("What the bot knows", about, bool(articles or records), pages)


def of_snippet(request: HttpRequest, inbox: Inbox | None) -> Step:
    visitors = Visitor.objects.filter(inbox=inbox)
    known = visitors.exclude(customer=None).exists()
    if known:
        about = "Your site shows the chat and tells it which customer is signed in."
    elif visitors.exists():
        about = "Somebody has opened the chat. Your site does not yet tell it who is signed in."
    else:
        about = "Nobody has opened the chat on your site yet."
    pages = (
        of_form(inbox, ("Allow your site", "id_origins"), ("See the secret", "secret"))
        if inbox
        else []
    )
    return Step("The chat on your site", about, known, pages, "snippet" if inbox else "")


def of_people(request: HttpRequest, inbox: Inbox | None) -> Step:
    people = User.objects.filter(is_active=True, is_staff=True).count()
    hours = inbox is not None and any(inbox.hours.get(day) for day in WEEKDAYS)
    count = "Only one person" if people == 1 else f"{people} people"
    when = "business hours are set" if hours else "the inbox is always open"
    about = f"{count} can log in; {when}."
    pages = links(request, ("Add a person", "auth_user_add"))
    pages += of_form(inbox, ("Business hours", "id_monday")) if inbox else []
    return Step("Hours and people", about, hours and people > 1, pages)


def of_questions(request: HttpRequest) -> Step:
    count = Case.objects.count()
    kept = f"{count} of {QUESTIONS}" if count < QUESTIONS else count
    about = f"{kept} test questions are saved." if count else "There are none yet."
    pages = links(request, ("Open the playground", "playground"))
    return Step("Five test questions", about, count >= QUESTIONS, pages, "questions")


def of_keys(request: HttpRequest) -> Step:
    count = ApiKey.objects.filter(revoked=False).count()
    about = (
        f"Keys in use: {count}."
        if count
        else "You need one only if your programs write records or read conversations."
    )
    pages = links(request, ("Add a key", "chatbot_apikey_add"))
    return Step("Keys for the API", about, count > 0, pages, optional=True)


def of_form(inbox: Inbox, *parts: tuple[str, str]) -> list[tuple[str, str]]:
    """Return links to parts of the inbox's page. parts: a name, and the id of an element there."""
    page = reverse("admin:chatbot_inbox_change", args=[inbox.pk])
    return [(name, f"{page}#{id}" if id else page) for name, id in parts]


def links(request: HttpRequest, *pages: tuple[str, str]) -> list[tuple[str, str]]:
    """Return links to pages, without forms to add something that the user may not add."""
    found = []
    for name, view in pages:
        app, _, rest = view.partition("_")
        model, _, action = rest.rpartition("_")
        if action == "add" and not request.user.has_perm(f"{app}.add_{model}"):
            continue
        found.append((name, reverse(f"admin:{view}")))
    return found
