"""Agents' presence: they are there while their live inbox is open and not set to away."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chatbot.models import Conversation, Message, Presence, Team
from chatbot.people.roles import MAY_ACT

# An open page gives a sign of life every 20 seconds; it counts as closed after 60 without one.
BEATS_EVERY, GONE_AFTER = 20.0, timedelta(seconds=60)
# After this time, a customer does not wait any longer for an agent who has gone.
ANSWERED_WITHIN = timedelta(minutes=2)
RIGHTS = "django.contrib.auth.backends.ModelBackend"


def seen(user: User) -> Presence:
    if not (known := Presence.objects.filter(user=user)).update(seen_at=timezone.now()):
        Presence.objects.get_or_create(user=user, defaults={"seen_at": timezone.now()})
    return known.get()


def set_away(user: User, away: bool) -> None:
    Presence.objects.update_or_create(user=user, defaults={"away": away})


def left(user: User) -> None:
    """Note that a page was closed; another open page corrects this within BEATS_EVERY."""
    Presence.objects.filter(user=user).update(seen_at=None)


def online() -> QuerySet[Presence]:
    """Return the agents who are there; `busy` counts each agent's conversations."""
    theirs = Q(user__conversation__state=Conversation.State.AGENT)
    there = Presence.objects.filter(
        away=False, seen_at__gte=timezone.now() - GONE_AFTER, user__is_active=True
    )
    return there.select_related("user").annotate(busy=Count("user__conversation", theirs))


def deserted() -> QuerySet[Conversation]:
    """Return conversations with an agent who has gone and a customer who waits for an answer."""
    now = timezone.now()
    there = Presence.objects.filter(user=OuterRef("agent"), seen_at__gte=now - GONE_AFTER)
    theirs = Message.objects.filter(author=Message.Author.CUSTOMER)
    last = theirs.filter(conversation=OuterRef("id"), seq=OuterRef("last_seq"))
    quiet = Conversation.objects.filter(
        state=Conversation.State.AGENT, last_message_at__lt=now - ANSWERED_WITHIN
    )
    return quiet.exclude(Exists(there)).filter(Exists(last))


def able() -> QuerySet[Presence]:
    """Return the agents who are there and may answer customers."""
    return online().filter(user__in=User.objects.with_perm(MAY_ACT, backend=RIGHTS))


def there_for(inbox: int, team: int | None = None) -> bool:
    """Tell whether an agent is there who answers for the inbox. Only members of the given team
    count; without one, only members of the inbox's teams, if it has teams."""
    agents = able()
    if team:
        return agents.filter(user__teams=team).exists()
    if Team.objects.filter(inboxes=inbox).exists():
        serving = Team.objects.filter(Q(inboxes=inbox) | Q(inboxes=None))
        agents = agents.filter(user__teams__in=serving)
    return agents.exists()
