"""The sidebar: the pages that a user may see, and the number of waiting customers."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from chatbot.models import Conversation
from chatbot.teaching.fall import fallen
from crm.admin.articles import overdue
from crm.models import Article, Endpoint

# By group: title, icon (Material Symbols), app label, model name, and a page in place of the list.
GROUPS: dict[str, list[tuple[str, ...]]] = {
    "Conversations": [
        ("Live inbox", "support_agent", "chatbot", "conversation", "admin:live"),
        ("Conversations", "forum", "chatbot", "conversation"),
        ("Figures", "monitoring", "chatbot", "figure", "admin:dashboard"),
        ("Canned answers", "quickreply", "chatbot", "cannedanswer"),
        ("Corrections", "spellcheck", "chatbot", "correction"),
    ],
    "Knowledge": [
        ("Articles", "article", "crm", "article"),
        ("Unanswered questions", "contact_support", "chatbot", "gap"),
        ("Playground", "science", "chatbot", "testrun", "admin:playground"),
        ("Test questions", "quiz", "chatbot", "case"),
        ("Test runs", "fact_check", "chatbot", "testrun"),
        ("Imports", "upload_file", "crm", "import"),
        ("Import plans", "rule_folder", "crm", "importplan"),
        ("Websites", "travel_explore", "crm", "website"),
        ("Records", "folder_open", "crm", "record"),
        ("Kinds of records", "category", "crm", "recordkind"),
    ],
    "People": [
        ("Customers", "contacts", "crm", "customer"),
        ("Agents", "badge", "chatbot", "presence"),
        ("Teams", "groups", "chatbot", "team"),
        ("Users", "manage_accounts", "auth", "user"),
    ],
    "Setup": [
        ("Inboxes", "inbox", "chatbot", "inbox"),
        ("Language models", "neurology", "chatbot", "tier"),
        ("Actions", "bolt", "chatbot", "action"),
        ("Requests to the CRM", "task_alt", "chatbot", "actionrequest"),
        ("Webhook sources", "input", "crm", "source"),
        ("Inbound events", "move_to_inbox", "crm", "inboundevent"),
        ("Webhook endpoints", "output", "crm", "endpoint"),
        ("Deliveries", "outbox", "crm", "delivery"),
        ("API keys", "key", "chatbot", "apikey"),
    ],
    "Privacy": [
        ("Erasures", "person_remove", "chatbot", "erasure"),
        ("Audit log", "policy", "auditlog", "logentry"),
    ],
}
# The address of the live inbox begins like that of a list, and so does the playground's.
APART = [row[4] for rows in GROUPS.values() for row in rows if len(row) > 4]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    groups = [
        {"title": title, "items": [entry(request, *row) for row in rows if allowed(request, *row)]}
        for title, rows in GROUPS.items()
    ]
    return [group for group in groups if group["items"]]


def allowed(request: HttpRequest, title: str, icon: str, app: str, model: str, *_: str) -> bool:
    permissions = (f"{app}.{action}_{model}" for action in ("view", "change"))
    return any(request.user.has_perm(permission) for permission in permissions)


def entry(
    request: HttpRequest, title: str, icon: str, app: str, model: str, page: str = ""
) -> dict[str, Any]:
    link = reverse(page or f"admin:{app}_{model}_changelist")
    below = request.path.startswith(link) and request.path not in map(reverse, APART)
    item = {
        "title": title,
        "icon": icon,
        "link": link,
        "active": request.path == link if page else below,
    }
    badge, variant = BADGES[title](request) if title in BADGES else ("", "")
    return item | {"badge": badge, "badge_variant": variant} if badge else item


# --- badges: a text, "" for none, and its colour


def waiting(request: HttpRequest) -> tuple[str, str]:
    count = Conversation.objects.filter(state=Conversation.State.WAITING, last_seq__gt=0).count()
    return (f"{count} waiting" if count else "", "warning")


def fell(request: HttpRequest) -> tuple[str, str]:
    return ("worse" if fallen() else "", "danger")


def switched_off(request: HttpRequest) -> tuple[str, str]:
    count = Endpoint.objects.exclude(trouble="").count()
    return (f"{count} off" if count else "", "danger")


def to_review(request: HttpRequest) -> tuple[str, str]:
    if not request.user.has_perm("crm.change_article"):
        return ("", "")
    count = Article.objects.filter(overdue()).count()
    return (f"{count} overdue" if count else "", "warning")


BADGES: dict[str, Callable[[HttpRequest], tuple[str, str]]] = {
    "Live inbox": waiting,
    "Test runs": fell,
    "Webhook endpoints": switched_off,
    "Articles": to_review,
}
