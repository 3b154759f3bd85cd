"""Who is there: agents whose live inbox is open and who have not said that they are away."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chatbot.models import Conversation, Message, Presence, Team

# Seconds between two signs of life of an open page, and after which it counts as closed.
BEATS_EVERY, GONE_AFTER = 20.0, timedelta(seconds=60)
# A customer whose agent has gone waits no longer for them.
ANSWERED_WITHIN = timedelta(minutes=2)
MAY_ACT = "chatbot.change_conversation"
RIGHTS = "django.contrib.auth.backends.ModelBackend"


def seen(user: User) -> Presence:
    if not (known := Presence.objects.filter(user=user)).update(seen_at=timezone.now()):
        Presence.objects.get_or_create(user=user, defaults={"seen_at": timezone.now()})
    return known.get()


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


def deserted() -> QuerySet[Conversation]:
    """Whose agent has closed the live inbox, and whose customer has had no answer since."""
    now = timezone.now()
    there = Presence.objects.filter(user=OuterRef("agent"), seen_at__gte=now - GONE_AFTER)
    theirs = Message.objects.filter(author=Message.Author.CUSTOMER)
    last = theirs.filter(conversation=OuterRef("id"), seq=OuterRef("last_seq"))
    found = Conversation.objects.filter(
        state=Conversation.State.AGENT, last_message_at__lt=now - ANSWERED_WITHIN
    )
    return found.exclude(Exists(there)).filter(Exists(last))


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
