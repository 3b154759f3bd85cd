"""The demo page's headline about a customer, and three questions that are worth asking."""

from calendar import month_name
from collections import Counter
from datetime import date

from crm.demo import plans
from crm.demo.plans import Plan

SHARED = (
    "How long do I have to send something back?",
    "What does delivery to Germany cost?",
    "Is the Heron 2 tent still in stock?",
    "How do I wash my down jacket?",
    "When is your shop open on a Saturday?",
    "Can you send gas canisters to England?",
    "Which boots should I take if I am between two sizes?",
)

#: Status of an order -> the question its owner would ask, the most pressing first.
QUESTIONS = {
    "delayed": "Why is my order {number} so late?",
    "partly delivered": "When does the rest of order {number} arrive?",
    "at the pick-up point": "Where can I pick up order {number}?",
    "in transit": "When will order {number} be here?",
    "awaiting payment": "Until when do you hold order {number} for me?",
    "ready to collect": "How long can order {number} stay in the shop?",
    "waiting for stock": "When will you send order {number}?",
    "pre-ordered": "When does my pre-order {number} ship?",
    "being packed": "Is order {number} packed yet?",
    "refunded": "How much did you refund for order {number}?",
    "returned": "How much did I get back for order {number}?",
    "cancelled": "Was I charged for order {number}?",
    "delivered": "When was order {number} delivered?",
    "collected": "What did I buy with order {number}?",
}

#: Status -> its words in the headline, singular and plural.
WORDS = {
    "delayed": ("delayed",),
    "partly delivered": ("partly here",),
    "in transit": ("on its way", "on their way"),
    "at the pick-up point": ("at a pick-up point",),
    "ready to collect": ("ready to collect",),
    "being packed": ("being packed",),
    "awaiting payment": ("awaiting payment",),
    "waiting for stock": ("waiting for stock",),
    "pre-ordered": ("pre-ordered",),
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
SETTLED = frozenset({"refunded", "exchanged", "replaced", "refused"})


def suggestions(customer_id: str | None) -> list[str]:
    """Return three questions: about this customer's own orders first, then about the shop."""
    own = _own_questions(_orders(customer_id))[:2]
    start = sum(map(ord, customer_id or "")) % len(SHARED)
    shared = (SHARED[start:] + SHARED[:start])[: 3 - len(own)]
    return [*own, *shared]


def headline(customer_id: str | None) -> str:
    """Return a headline such as "3 orders, one on its way"."""
    if customer_id is None:
        return "Not signed in"
    theirs = _orders(customer_id)
    count = f"{len(theirs)} order{'s' if len(theirs) != 1 else ''}"
    return ", ".join([count, *_news(theirs)[:2]])


def _orders(customer_id: str | None) -> list[Plan]:
    return [plan for plan in plans.all_plans() if plan["customer"] == customer_id]


def _open_returns(theirs: list[Plan]) -> list[str]:
    return [
        plans.return_number(plan, index)
        for plan in theirs
        for index, returned in enumerate(plan.get("returns", ()), start=1)
        if returned["status"] not in SETTLED
    ]


def _own_questions(theirs: list[Plan]) -> list[str]:
    """Return questions, the most pressing first; of the same status, the newest order first."""
    rank = list(QUESTIONS)
    pressing = sorted(theirs, key=lambda plan: (rank.index(plan["status"]), -plan["number"]))
    asked = [QUESTIONS[plan["status"]].format(number=plan["number"]) for plan in pressing]
    returns = [f"What is happening with my return {number}?" for number in _open_returns(theirs)]
    return asked[:1] + returns + asked[1:]


def _news(theirs: list[Plan]) -> list[str]:
    counts = Counter(plan["status"] for plan in theirs)
    news = [
        f"{NUMBERS[counts[status]]} {words[min(counts[status], len(words)) - 1]}"
        for status, words in WORDS.items()
        if counts[status]
    ]
    if waiting := len(_open_returns(theirs)):
        news.append(f"{NUMBERS[waiting]} return{'s' if waiting > 1 else ''} open")
    return news or [f"last in {_month(plan)}" for plan in theirs[-1:]]


def _month(plan: Plan) -> str:
    return month_name[date.fromisoformat(plan["ordered"]).month]
