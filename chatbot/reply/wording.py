"""The bot's own sentences: everything it says apart from what the records say."""

# --- small talk
HERE = "I'm here. What can I look up for you?"
HELLO = "Hello! How can I help you today?"
WELCOME = "You're welcome! Is there anything else I can look up for you?"
GOODBYE = "Goodbye, and thank you for writing to us!"
ABOUT_THE_BOT = (
    "I'm the assistant here. I answer from the records on file, and a colleague is "
    "always within reach. What can I look up for you?"
)

# --- refusals
REFUSAL = "I don't have that on record."
CANNOT_ADD = "I can add up your {}, but only one kind at a time. Which one would you like?"
AGAIN = "I don't have that on record either."
NEAREST = "The closest I can find is this: {}"
NOT_THIS = "I have nothing on record about “{}”. Would you like a colleague to help with that?"
NOT_ALL = "I have no answer on record for the rest. Would you like a colleague to help with that?"
KIND = "I'm sorry about the trouble."
TROUBLE = (
    "I'm sorry about the trouble. Tell me what it is about, for example an order or a bill, and "
    "I'll look it up."
)
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
NO_SUCH_NUMBER = "I don't have that on record: none of your records has the number {}."
DID_YOU_MEAN = "Did you mean {}?"
SIGN_IN = (
    "I don't have that on record here. Please sign in on our site so that I can see your records."
)
CANNOT_READ = "I can't read files myself, but a colleague can."
UNAVAILABLE = "I'm sorry, I can't look that up at the moment."

# --- a colleague
OFFER = "Would you like me to pass this to a colleague?"
ACCEPT = "Yes, please"
COLLEAGUE_WAITING = "A colleague has been told and will answer you here."
PASSING = "I'm passing you to a colleague, who will answer you here."
ASKED = f"Of course. {PASSING}"
SORRY = f"I'm sorry about the trouble. {PASSING}"

# --- an action of the CRM
FORM = "You can ask for that with the form below; nothing is sent before you confirm it."

# --- while an answer takes its time
STILL_LOOKING = (
    "I'm still looking this up. If you would rather talk to a person, just say so, "
    "and I'll pass you on."
)
STILL_AT_IT = (
    "This is taking longer than usual because we are very busy at the moment. I'm still working "
    "on it, and you don't have to wait here: the answer will appear in this chat."
)
IN_QUEUE = "Many customers are writing at the moment: you are number {} in the queue."
