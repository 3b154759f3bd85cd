"""Roles of staff: the groups that every installation has, made from one table of permissions."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q

AGENT, LEAD, ADMINISTRATOR, AUDITOR = "Agent", "Team lead", "Administrator", "Auditor"
ALL = (AGENT, LEAD, ADMINISTRATOR, AUDITOR)

# What it takes to see conversations; and to answer in them, take them over and close them.
MAY_SEE, MAY_ACT = "chatbot.view_conversation", "chatbot.change_conversation"

_READS = [MAY_SEE, "chatbot.view_message", "chatbot.view_reply"]
_READS += ["chatbot.view_actionrequest", "chatbot.view_correction"]
_READS += ["crm.view_customer", "crm.view_record", "crm.view_article"]
_ANSWERS = [*_READS, MAY_ACT, "chatbot.add_correction"]
_ANSWERS += ["chatbot.add_case"]
_EDITS = ("view", "add", "change", "delete")
_LEADS = [
    *_ANSWERS,
    *(f"chatbot.{action}_cannedanswer" for action in _EDITS),
    *(f"chatbot.{action}_team" for action in _EDITS),
    *(f"chatbot.{action}_case" for action in _EDITS),
    *(f"chatbot.{action}_testrun" for action in _EDITS),
    "chatbot.view_gap",
    "chatbot.change_gap",
    *(f"crm.{action}_article" for action in _EDITS),
    *(f"crm.{action}_importplan" for action in _EDITS),
    *(f"crm.{action}_import" for action in _EDITS),
    *(f"crm.{action}_website" for action in _EDITS),
    "chatbot.view_presence",
    "chatbot.change_presence",
    "chatbot.view_inbox",
    "chatbot.view_action",
    "chatbot.view_figure",
    "chatbot.change_inbox",
    "crm.view_recordkind",
    "crm.change_recordkind",
    "crm.view_source",
    "crm.view_inboundevent",
    "crm.change_inboundevent",
]
# Permissions of each role. Administrators have all permissions of the applications in WHOLE;
# auditors can view the applications in SEEN.
ROLES: dict[str, list[str]] = {AGENT: _ANSWERS, LEAD: _LEADS}
WHOLE = ["chatbot", "crm", "auth"]
SEEN = ["chatbot", "crm", "auth", "auditlog"]


def make_roles(**_: Any) -> None:
    """Add missing groups and missing rights after a migration. Rights that somebody has added
    stay."""
    for name, permissions in granted().items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.add(*permissions)


def granted() -> dict[str, Iterable[Permission]]:
    of_apps = Q(content_type__app_label__in=WHOLE)
    views = Q(content_type__app_label__in=SEEN, codename__startswith="view_")
    by_app = {
        ADMINISTRATOR: Permission.objects.filter(of_apps),
        AUDITOR: Permission.objects.filter(views),
    }
    return by_app | {name: named(names) for name, names in ROLES.items()}


def named(names: list[str]) -> Iterable[Permission]:
    wanted = Q()
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return Permission.objects.filter(wanted)


def rights_of(*, user: User | None = None, group: Group | None = None) -> set[int]:
    """Return ids of permissions. An inactive user's count too: the user can be activated again. A
    group's include those that the next migration will give to its name."""
    if group:
        own = set(group.permissions.values_list("id", flat=True)) if group.pk else set()
        return own | {permission.pk for permission in granted().get(group.name, ())}
    everything = Permission.objects.all()
    theirs = everything.filter(Q(user=user) | Q(group__user=user))
    return set((everything if user and user.is_superuser else theirs).values_list("id", flat=True))


def above(giver: User, *, user: User | None = None, group: Group | None = None) -> bool:
    """Tell whether the giver holds all rights of this user or group. Nobody can give more rights
    than they have, neither by a group nor by setting the password of a user who has more."""
    if giver.is_superuser:
        return True
    if user and user.is_superuser:
        return False
    return rights_of(user=user, group=group) <= rights_of(user=giver)


def after_migrations(sender: Any, **_: Any) -> None:
    # An application's permissions are made after its own migration; the roles need all of them.
    if sender is list(apps.get_app_configs())[-1]:
        make_roles()
