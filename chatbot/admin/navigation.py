"""The sidebar: the pages that a user may see, and the number of waiting customers."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from chatbot.models import Conversation
from crm.models import Endpoint

# Title, icon (Material Symbols), app label, model name, and a page in place of the list.
ENTRIES = [
    ("Live inbox", "support_agent", "chatbot", "conversation", "admin:live"),
    ("Conversations", "forum", "chatbot", "conversation"),
    ("Figures", "monitoring", "chatbot", "figure", "admin:dashboard"),
    ("Customers", "contacts", "crm", "customer"),
    ("Records", "folder_open", "crm", "record"),
    ("Kinds of records", "category", "crm", "recordkind"),
    ("Corrections", "spellcheck", "chatbot", "correction"),
    ("Canned answers", "quickreply", "chatbot", "cannedanswer"),
    ("Teams", "groups", "chatbot", "team"),
    ("Agents", "badge", "chatbot", "presence"),
    ("Inboxes", "inbox", "chatbot", "inbox"),
    ("Actions", "bolt", "chatbot", "action"),
    ("Requests to the CRM", "task_alt", "chatbot", "actionrequest"),
    ("Language models", "neurology", "chatbot", "tier"),
    ("Webhook sources", "input", "crm", "source"),
    ("Inbound events", "move_to_inbox", "crm", "inboundevent"),
    ("Webhook endpoints", "output", "crm", "endpoint"),
    ("Deliveries", "outbox", "crm", "delivery"),
    ("API keys", "key", "chatbot", "apikey"),
    ("Erasures", "person_remove", "chatbot", "erasure"),
    ("Audit log", "policy", "auditlog", "logentry"),
    ("Users", "manage_accounts", "auth", "user"),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    return [{"items": [entry(request, *row) for row in ENTRIES if allowed(request, *row[2:4])]}]


def allowed(request: HttpRequest, app: str, model: str) -> bool:
    permissions = (f"{app}.{action}_{model}" for action in ("view", "change"))
    return any(request.user.has_perm(permission) for permission in permissions)


def entry(
    request: HttpRequest, title: str, icon: str, app: str, model: str, page: str = ""
) -> dict[str, Any]:
    link = reverse(page or f"admin:{app}_{model}_changelist")
    item: dict[str, Any] = {"title": title, "icon": icon, "link": link}
    # The live inbox's address begins like the list's.
    below = request.path.startswith(link) and request.path != reverse("admin:live")
    item["active"] = request.path == link if page else below
    if page == "admin:live" and (waiting := waiting_count()):
        item |= {"badge": f"{waiting} waiting", "badge_variant": "warning"}
    if model == "endpoint" and (off := Endpoint.objects.exclude(trouble="").count()):
        item |= {"badge": f"{off} off", "badge_variant": "danger"}
    return item


def waiting_count() -> int:
    return Conversation.objects.filter(state=Conversation.State.WAITING, last_seq__gt=0).count()
