"""The bot's own sentences: everything it says apart from what the records say.

`PLAIN`, `WARM` and `FORMAL` say the same in three tones. An inbox chooses one of them and may word
single sentences itself: `chosen` returns what it says. A turn has them as `turn.words`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from chatbot.models.inboxes import Inbox
from inference.text import blank

# Of one sentence that an inbox words itself.
LONGEST = 300
# What stands for a number, a question or a line of a record.
PLACE = "{}"
# The answer by a click that accepts the offer of a colleague: `turn.offers_colleague` looks for it.
ACCEPT = "Yes, please"
# The refusal, the offer and how to accept it, in languages that the bot recognises and does not
# speak.
FOREIGN = {
    "de": (
        "Leider kann ich nur auf Englisch antworten.",
        "Soll ich Ihre Frage an eine Kollegin oder einen Kollegen weitergeben? Dann antworten "
        "Sie bitte einfach mit „Ja“.",
        "Ja, bitte",
    ),
    "fr": (
        "Malheureusement, je ne peux répondre qu'en anglais.",
        "Voulez-vous que je transmette votre question à un collègue ? Si oui, "
        "répondez simplement « oui ».",
        "Oui, s'il vous plaît",
    ),
    "es": (
        "Lamentablemente, solo puedo responder en inglés.",
        "¿Quiere que pase su pregunta a un compañero? En ese caso, responda simplemente «sí».",
        "Sí, por favor",
    ),
    "pt": (
        "Infelizmente, só consigo responder em inglês.",
        "Quer que eu passe a sua pergunta a um colega? Nesse caso, responda simplesmente “sim”.",
        "Sim, por favor",
    ),
    "it": (
        "Purtroppo posso rispondere solo in inglese.",
        "Vuole che passi la sua domanda a un collega? In tal caso, risponda semplicemente “sì”.",
        "Sì, per favore",
    ),
}


def said(when: str, text: str) -> str:
    """Return a field with this text; `when` tells the inbox's form when it is said."""
    return field(default=text, metadata={"when": when})


@dataclass(frozen=True)
class Wording:
    """The sentences in the plain tone. `{}` stands for what only the conversation can tell."""

    # --- small talk
    hello: str = said("Answers a greeting", "Hello! How can I help you today?")
    welcome: str = said(
        "Answers thanks", "You're welcome! Is there anything else I can look up for you?"
    )
    goodbye: str = said("Answers a goodbye", "Goodbye, and thank you for writing to us!")
    here: str = said("Answers other small talk", "I'm here. What can I look up for you?")
    about_the_bot: str = said(
        "Says what the bot is",
        "I'm the assistant here. I answer from the records on file, and I can pass you to a "
        "colleague at any time. What can I look up for you?",
    )

    # --- refusals
    refusal: str = said("Nothing is on record", "I don't have that on record.")
    again: str = said("Nothing is on record again", "I don't have that on record either.")
    nearest: str = said(
        "Names what comes closest",
        "I can't find an exact answer to that. The closest I have is this: {}",
    )
    nearest_again: str = said(
        "Names what comes closest again",
        "I can't find an exact answer to that either. The closest I have is this: {}",
    )
    perhaps: str = said(
        "Names what may be the answer", "I'm not sure that this is what you are looking for: {}"
    )
    not_this: str = said(
        "One of several questions has no answer",
        "I have nothing on record about “{}”. Would you like a colleague to help with that?",
    )
    not_all: str = said(
        "Several questions have no answer",
        "I have no answer on record for the rest. Would you like a colleague to help with that?",
    )
    no_such_number: str = said(
        "None of the customer's records has the number asked about",
        "I don't have that on record: none of your records has the number {}.",
    )
    did_you_mean: str = said("Names records with a similar number", "Did you mean {}?")
    sign_in: str = said(
        "Nobody has signed in",
        "I don't have that on record here. Please sign in on our site so that I can see your "
        "records.",
    )
    cannot_add: str = said(
        "It is unclear what to add up",
        "I can add up your {}, but only one kind at a time. Which one would you like?",
    )
    cannot_read: str = said(
        "The customer sends only files", "I can't read files myself, but a colleague can."
    )
    unavailable: str = said(
        "The records cannot be searched", "I'm sorry, I can't look that up at the moment."
    )
    kind: str = said("Before a refusal, to an upset customer", "I'm sorry about the trouble.")
    trouble: str = said(
        "An upset customer does not say what it is about",
        "I'm sorry about the trouble. Tell me what it is about, for example an order or a bill, "
        "and I'll look it up.",
    )

    # --- a colleague
    offer: str = said(
        "Offers a colleague after a refusal", "Would you like me to pass this to a colleague?"
    )
    passing: str = said("Hands over", "I'm passing you to a colleague, who will answer you here.")
    asked: str = said(
        "Hands over because the customer asked",
        "Of course. I'm passing you to a colleague, who will answer you here.",
    )
    sorry: str = said(
        "Hands over because the customer is upset",
        "I'm sorry about the trouble. I'm passing you to a colleague, who will answer you here.",
    )
    gave_up: str = said(
        "Hands over because the answer failed three times",
        "I'm sorry, I couldn't finish that answer. I'm passing you to a colleague, who will answer "
        "you here.",
    )
    colleague_waiting: str = said(
        "A colleague has already been called",
        "I've let a colleague know, and they will reply to you here.",
    )

    # --- an action of the CRM
    form: str = said(
        "Shows the form of an action",
        "You can ask for that with the form below; nothing is sent until you confirm it.",
    )

    # --- while an answer takes its time
    still_looking: str = said(
        "After eight seconds",
        "I'm still looking this up. If you would rather talk to a person, just say so, "
        "and I'll pass you on.",
    )
    still_at_it: str = said(
        "After half a minute",
        "This is taking longer than usual because we are very busy at the moment. I'm still "
        "working on it, and you don't have to wait here: the answer will appear in this chat.",
    )
    in_queue: str = said(
        "Gives the customer's place in the queue",
        "Many customers are writing at the moment: you are number {} in the queue.",
    )


PLAIN = Wording()
WARM = Wording(
    hello="Hello, how nice to hear from you! What can I do for you today?",
    welcome="You're very welcome, I'm glad I could help! Is there anything else I can look up?",
    goodbye="Goodbye, take care, and thank you so much for writing to us!",
    here="I'm right here. What can I look up for you?",
    about_the_bot=(
        "I'm the assistant here, and I'm happy to help. I look things up in our records, and I can "
        "bring in one of my colleagues at any time. What would you like to know?"
    ),
    refusal="I'm sorry, I looked, but I couldn't find that in our records.",
    again="I'm sorry, I couldn't find that one either.",
    nearest=(
        "I'm sorry, I couldn't find an exact answer. This is the closest I have, and I hope it "
        "helps: {}"
    ),
    nearest_again=(
        "I'm sorry, I couldn't find an exact answer to that one either. This is the closest I "
        "have: {}"
    ),
    perhaps="I hope that this is what you are looking for, but I'm not quite sure: {}",
    not_this=(
        "I'm sorry, I couldn't find anything about “{}”. Shall I ask a colleague to help you "
        "with that?"
    ),
    not_all=(
        "I'm sorry, I couldn't find an answer to the rest. Shall I ask a colleague to help you "
        "with that?"
    ),
    no_such_number="I'm sorry, I looked, but none of your records has the number {}.",
    did_you_mean="Did you perhaps mean {}?",
    sign_in=(
        "I'd love to look that up for you. Please sign in on our site first, so that I can see "
        "your records."
    ),
    cannot_add="I'll gladly add up your {}, one kind at a time. Which one shall I start with?",
    cannot_read="Thank you for the file! I can't read it myself, but a colleague can.",
    unavailable="I'm so sorry, I can't look that up just now.",
    kind="I'm really sorry about the trouble you've had.",
    trouble=(
        "I'm really sorry about the trouble you've had. Tell me what it is about, for example an "
        "order or a bill, and I'll look into it right away."
    ),
    offer="Shall I ask one of my colleagues to help you with this?",
    passing="I'm bringing in one of my colleagues, who will be glad to help you here.",
    asked="Of course! I'm bringing in one of my colleagues, who will be glad to help you here.",
    sorry=(
        "I'm really sorry about the trouble you've had. I'm bringing in one of my colleagues, who "
        "will take care of it here."
    ),
    gave_up=(
        "I'm so sorry, I couldn't finish that answer. I'm bringing in one of my colleagues, who "
        "will help you here."
    ),
    colleague_waiting="One of my colleagues knows that you are here and will answer you soon.",
    form=(
        "I can help you with that: please use the form below. Nothing is sent until you confirm it."
    ),
    still_looking=(
        "Thank you for waiting, I'm still looking this up. If you would rather talk to a person, "
        "just say so, and I'll pass you on."
    ),
    still_at_it=(
        "Thank you for your patience! We are very busy at the moment, but I'm still working on it. "
        "You don't have to wait here: the answer will appear in this chat."
    ),
    in_queue="Many people are writing to us right now. You are number {} in the queue.",
)
FORMAL = Wording(
    hello="Good day. How may I help you?",
    welcome="You are welcome. Is there anything else I may look up for you?",
    goodbye="Goodbye. Thank you for contacting us.",
    here="I am at your service. What may I look up for you?",
    about_the_bot=(
        "I am the virtual assistant. I answer from the records on file, and a colleague is "
        "available at any time. What may I look up for you?"
    ),
    refusal="I regret that I have no information on record about this.",
    again="I regret that I have no information on record about this either.",
    nearest=(
        "I regret that I cannot find an exact answer to this. The closest information on record "
        "is the following: {}"
    ),
    nearest_again=(
        "I regret that I cannot find an exact answer to this either. The closest information on "
        "record is the following: {}"
    ),
    perhaps="I am not certain that the following answers your question: {}",
    not_this=(
        "I regret that I have no information on record about “{}”. Would you like a colleague to "
        "assist you with this?"
    ),
    not_all=(
        "I regret that I have no information on record about the remaining questions. Would you "
        "like a colleague to assist you with these?"
    ),
    no_such_number="I regret that none of your records has the number {}.",
    did_you_mean="Do you mean {}?",
    sign_in="I am unable to see your records here. Please sign in on our website first.",
    cannot_add="I can add up your {}, one kind at a time. Which kind do you require?",
    cannot_read="I am unable to read files. A colleague can do so.",
    unavailable="I apologise. I am unable to look this up at present.",
    kind="I apologise for the inconvenience.",
    trouble=(
        "I apologise for the inconvenience. Please tell me what it concerns, for example an order "
        "or an invoice, and I will look it up."
    ),
    offer="Would you like me to refer this to a colleague?",
    passing="I am referring you to a colleague, who will reply to you here.",
    asked="Certainly. I am referring you to a colleague, who will reply to you here.",
    sorry=(
        "I apologise for the inconvenience. I am referring you to a colleague, who will reply to "
        "you here."
    ),
    gave_up=(
        "I apologise. I was unable to complete that answer, and I am referring you to a colleague, "
        "who will reply to you here."
    ),
    colleague_waiting="A colleague has been informed and will reply to you here.",
    form="Please use the form below to request this. Nothing is sent until you confirm it.",
    still_looking=(
        "I am still looking this up. If you would prefer to speak to a person, please say so, and "
        "I will refer you to a colleague."
    ),
    still_at_it=(
        "This is taking longer than usual because of a high number of enquiries. You need not "
        "wait here: the answer will appear in this chat."
    ),
    in_queue="We are receiving many enquiries at present. You are number {} in the queue.",
)
TONES: dict[str, Wording] = {
    Inbox.Tone.PLAIN: PLAIN,
    Inbox.Tone.WARM: WARM,
    Inbox.Tone.FORMAL: FORMAL,
}
# When each sentence is said, by its name.
SAID = {one.name: str(one.metadata["when"]) for one in fields(Wording)}


def chosen(tone: str, own: Mapping[str, str]) -> Wording:
    """Return the sentences in a tone, with those that an inbox words itself. A sentence of its own
    that would not work is left out: a restored backup may hold one."""
    kept = {name: text for name, text in own.items() if name in SAID and not fault(name, text)}
    return replace(TONES.get(tone, PLAIN), **kept)


def fault(name: str, text: str) -> str:
    """Say what is wrong with an inbox's own wording of a sentence; "" if it works."""
    places = getattr(PLAIN, name).count(PLACE)
    if blank(text):
        return "This sentence has no visible characters. Please write it again."
    if len(text) > LONGEST:
        return f"This sentence has {len(text)} characters; {LONGEST} is the most."
    if text.count(PLACE) != places and places:
        return f"Keep {PLACE} exactly once: “{getattr(PLAIN, name)}”"
    if re.search(r"[{}]", text.replace(PLACE, "") if places else text):
        return "Write this sentence without { and }."
    return ""
