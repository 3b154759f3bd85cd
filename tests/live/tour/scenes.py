"""Conversations of the demo shop's customers, the same each time: for the tour's pictures and for
looking at every page. Played inside a site, by `manage.py shell`.

What the bot says stands in the demo's records; no model writes it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chatbot.api import keys
from chatbot.conversation import agents, customers, replies
from chatbot.models import (
    CannedAnswer,
    Conversation,
    Inbox,
    Message,
    Presence,
    Summary,
    Team,
    Tier,
    Visitor,
)
from chatbot.people import audit, roles
from chatbot.people.demo_logins import PASSWORD
from chatbot.reports import aggregate
from crm.demo.moving import moved, until
from crm.models import Attempt, Delivery, Endpoint, InboundEvent, Record, Source
from inference import sentences

PEOPLE = {
    "dora": ("Dora", roles.AGENT),
    "lena": ("Lena", roles.LEAD),
    "olga": ("Olga", roles.AUDITOR),
}
DAYS, A_DAY = 21, 4


@dataclass
class Answer:
    """Of the bot: what it says, and the records behind it."""

    text: str
    records: list[str] = field(default_factory=list)
    state: str = "answered"
    reason: str = ""
    withheld: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Move its dates as the demo's records were moved."""
        self.text = moved(self.text, until(date.today()))


SHIPPED = Answer(
    "Your order 10482 is in transit. It was shipped on 19 November 2026 with Atlantic Parcels, and "
    "is expected on 24 November 2026.",
    ["order:10482", "parcel:FHP26104821"],
)
HELD = Answer(
    "Order 10482 was held back until the Heron 2 footprint came in on 18 November, so that both "
    "could travel in one parcel.",
    ["order:10482"],
    withheld=[
        {"sentence": "It will certainly be there before the weekend.", "missing": ["the weekend"]}
    ],
)
LATE = Answer("Your order 10467 of 2 November 2026 is delayed.", ["order:10467"])
UNKNOWN = Answer(
    "I don't have that on record. Shall I ask a colleague?",
    state="refused",
    withheld=[{"sentence": "It leaves the warehouse tomorrow.", "missing": ["tomorrow"]}],
)
RETURNS = Answer(
    "You can return anything unused within 30 days of the day it was delivered or collected.",
    ["article:returns"],
)
WASHING = Answer(
    "Close all zips, empty the pockets and wash the Squall at 30 °C with a technical wash.",
    ["article:waterproof-care"],
)
DELIVERY = Answer(
    "European Union: standard EUR 9.95, 4 to 7 working days. Express EUR 19.95, 3 working days.",
    ["article:delivery"],
)
PASSED_ON = Answer(
    "I'm asking a colleague to join us here.",
    state="handoff",
    reason="The customer asked for a person.",
)
WAITING = Answer("A colleague has been asked already and will answer here.", state="chat")
WELCOME = Answer("You're welcome! Is there anything else?", state="chat")
# Who, and what was said in turn: a customer's line, or an answer to it.
TALKS: dict[str, tuple[str, list[str | Answer]]] = {
    "shop": ("cust_1", [
        "Hi! When will order 10482 be here?", SHIPPED,
        "Great, thank you! Why did it take until the 19th?", HELD,
    ]),
    "angry": ("cust_2", [
        "Why is my order 10467 so late?", LATE,
        "That is no answer. I have been waiting for three weeks now.", UNKNOWN,
        "This is the third time I ask. This is really terrible service!", PASSED_ON,
        "I am very angry, nobody helps me!", WAITING,
    ]),
    "waiting": ("cust_3", [
        "My new boots have not come yet, can I talk to a person please?",
        PASSED_ON,
    ]),
    "with dora": ("cust_4", [
        "One of my two headlamps does not light up.", UNKNOWN,
        "Could somebody have a look please?", PASSED_ON,
    ]),
    "ended": ("cust_5", [
        "How do I wash my Squall jacket?", WASHING, "Perfect, thanks a lot!", WELCOME,
    ]),
    "content": ("cust_6", [
        "What does delivery to Lyon cost?", DELIVERY, "Thank you, that helps.", WELCOME,
    ]),
    "calm": ("cust_7", ["How long do I have to send something back?", RETURNS]),
}  # fmt: skip
PAST: list[list[str | Answer]] = [
    ["How long do I have to send something back?", RETURNS, "Great, thank you!", WELCOME],
    ["What does delivery cost?", DELIVERY],
    ["How do I wash my jacket?", WASHING, "Perfect, that helps a lot.", WELCOME],
    ["This is terrible, it broke on the first day!", UNKNOWN, "I am disappointed.", PASSED_ON],
]


def play() -> None:
    for name, (first, role) in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True, first_name=first)
        user.groups.add(Group.objects.get(name=role))
    set_up()
    random = Random(7)
    for back in range(DAYS, 0, -1):
        for number in range(A_DAY + random.randrange(4)):
            past(random, back, number)
    found = {name: talk(who, lines) for name, (who, lines) in TALKS.items()}
    happen(found)
    aggregate.rebuild()


def set_up() -> None:
    """What an administrator has set up, so that no page of theirs is empty."""
    inbox = Inbox.objects.get(key="demo")
    club = Inbox.objects.create(key="trail-club", name="Trail Club")
    returns = Team.objects.create(name="Returns", topics=["refund", "send back"])
    returns.members.set(User.objects.filter(username__in=["dora", "agent"]))
    returns.inboxes.set([inbox, club])
    for name in ("dora", "agent"):
        Presence.objects.update_or_create(user=User.objects.get(username=name))
    for shortcut, text in (
        ("sorry", "I am sorry to hear that, {customer}. I look into it right away."),
        ("returns", "I have sent you a label for {order}. You have 30 days."),
    ):
        CannedAnswer.objects.get_or_create(shortcut=shortcut, defaults={"text": text})
    small = Tier.objects.create(name="small", model=settings.SLM_NAME)
    small.servers.create(url=settings.SLM_URL)
    large = Tier.objects.create(
        name="large", model="slm-large", from_difficulty=0.45, enabled=False
    )
    large.servers.create(url="http://vllm-2:8100/v1")
    webhooks()
    keys.make("Warehouse", ["records:write"])


def webhooks() -> None:
    source = Source.objects.create(name="erp", secrets=[])
    for number in range(12):
        state = {4: "failed", 7: "refused"}.get(number, "applied")
        reason = "" if state == "applied" else '"updated_at" must be an ISO 8601 time with its zone'
        InboundEvent.objects.create(
            source=source,
            event_id=f"evt_{number + 2041}",
            type="record.deleted" if number == 9 else "record.upserted",
            body='{"type": "record.upserted", "data": {"id": "order:10482"}}',
            state=state,
            reason=reason,
        )
    endpoint = Endpoint.objects.create(
        url="https://crm.corp:8443/hooks", secrets=[], events=["sentiment.alert"], active=False
    )
    delivery = Delivery.objects.create(
        endpoint=endpoint, event_id="evt_9", type="sentiment.alert", body="{}", state="done"
    )
    Attempt.objects.create(delivery=delivery, status=200, seconds=0.04, answer="ok")


def talk(who: str | None, lines: list[str | Answer]) -> Conversation:
    """Of a customer, or without one of a new visitor."""
    inbox = Inbox.objects.get(key="demo")
    if who:
        visitor, _ = Visitor.objects.get_or_create(inbox=inbox, customer_id=who)
    else:
        visitor = Visitor.objects.create(inbox=inbox)
    conversation = customers.conversation_of(visitor)
    reply = None
    for number, line in enumerate(lines):
        if isinstance(line, Answer):
            post(reply, line)
        else:
            _, reply = customers.receive(conversation, f"scene-{number}", line, "scenes")
    return conversation


def post(reply: Any, answer: Answer) -> None:
    records = list(Record.objects.filter(id__in=answer.records))
    passages = [
        {"id": one.id, "title": one.title, "text": one.text[:300], "score": 0.81} for one in records
    ]
    cited = [
        {
            "id": one.id,
            "title": one.title,
            "quote": "\n".join(sentences.split(one.text)[:1]) or one.title,
            "at": one.updated_at.date().isoformat(),
        }
        for one in records
    ]
    routed = {"reason": "Difficulty 0.18: the smallest model answers."}
    replies.finish(
        reply,
        answer.state,
        answer.text,
        cited,
        route="human" if answer.state == "handoff" else "bot",
        reason=answer.reason,
        model="slm",
        routing=routed,
        generations=[{"tier": "default", "model": "slm", "seconds": 1.2, "prompt_tokens": 412,
                      "completion_tokens": 38, "joules": None}],
        passages=passages,
        withheld=answer.withheld,
        timings={"retrieve": 0.09, "first_sentence": 1.1, "total": 1.6},
    )  # fmt: skip


def past(random: Random, back: int, number: int) -> None:
    """A conversation of some days ago, closed by now."""
    lines = random.choices(PAST, weights=[5, 4, 4, 2])[0]
    conversation = talk(None, lines)
    customers.close(conversation)
    start = timezone.now() - timedelta(days=back, minutes=-17 * number)
    shift(conversation, start, closed=start + timedelta(minutes=random.randrange(4, 40)))
    score = random.choice([3, 4, 5, 5])
    Conversation.objects.filter(id=conversation.id).update(csat=score, csat_at=start)


def shift(conversation: Conversation, start: Any, closed: Any = None) -> None:
    """As if it had begun then, a minute and a half from line to line."""
    for message in conversation.messages.order_by("seq"):
        at = start + timedelta(seconds=90 * (message.seq - 1))
        Message.objects.filter(id=message.id).update(at=at)
    conversation.replies.update(created_at=start)
    values = {"created_at": start, "last_message_at": at}
    Conversation.objects.filter(id=conversation.id).update(**values | {"closed_at": closed})


def happen(found: dict[str, Conversation]) -> None:
    dora = User.objects.get(username="dora")
    with_dora, ended, angry = found["with dora"], found["ended"], found["angry"]
    agents.take_over(with_dora, dora)
    agents.say(with_dora, dora, "scene", "Hello Priya, I am sorry. I send you a new one today.")
    agents.note(angry, dora, "The supplier promised the sleeping bags for Thursday.")
    agents.resolve(ended, dora)
    customers.rate(Conversation.objects.get(id=ended.id), 5, "Quick and to the point.")
    customers.give_feedback(found["content"], 2, 1)
    Summary.objects.update_or_create(
        conversation=angry,
        defaults={
            "problem": "Order 10467, a winter sleeping bag, is three weeks late.",
            "tried": "The bot named the order's state; it knows no new date.",
            "question": "When does it leave the warehouse?",
            "mood_start": -0.3,
            "mood_end": -0.9,
        },
    )
    message = Message.objects.filter(conversation=angry, author="customer").earliest("seq")
    agents.correct(message, "negative", dora)
    for conversation in found.values():
        audit.read(conversation, dora)
