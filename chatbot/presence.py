"""Who is there: agents whose live inbox is open and who have not said that they are away."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from chatbot.models import Conversation, Presence, Team

# Seconds between two signs of life of an open page, and after which it counts as closed.
BEATS_EVERY, GONE_AFTER = 20.0, timedelta(seconds=60)
MAY_ACT = "chatbot.change_conversation"
RIGHTS = "django.contrib.auth.backends.ModelBackend"


def seen(user: User) -> Presence:
    found, _ = Presence.objects.update_or_create(user=user, defaults={"seen_at": timezone.now()})
    return found


def set_away(user: User, away: bool) -> None:
    Presence.objects.update_or_create(user=user, defaults={"away": away})


def left(user: User) -> None:
    """Their page is closed; another one that is open says so within BEATS_EVERY."""
    Presence.objects.filter(user=user).update(seen_at=None)


def online() -> QuerySet[Presence]:
    """With `busy`, how many conversations each has."""
    theirs = Q(user__conversation__state=Conversation.State.AGENT)
    there = Presence.objects.filter(
        away=False, seen_at__gte=timezone.now() - GONE_AFTER, user__is_active=True
    )
    return there.select_related("user").annotate(busy=Count("user__conversation", theirs))


def able() -> QuerySet[Presence]:
    """Of those, who may answer customers."""
    return online().filter(user__in=User.objects.with_perm(MAY_ACT, backend=RIGHTS))


def there_for(inbox: int, team: int | None = None) -> bool:
    """Whether anybody is there who answers for the inbox: of its teams, where it has some; of the
    team that was asked for, where one was."""
    found = able()
    if team:
        return found.filter(user__teams=team).exists()
    if Team.objects.filter(inboxes=inbox).exists():
        serving = Team.objects.filter(Q(inboxes=inbox) | Q(inboxes=None))
        found = found.filter(user__teams__in=serving)
    return found.exists()
