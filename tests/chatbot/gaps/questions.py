"""Questions that had no answer, written by hand for three companies: what grouping is measured on.

Each subject is what one article would answer. The questions of a company share its words (plant,
dentist, router), so that subjects have to be told apart by what is asked about them.
"""

PLANTS = {
    "pets": [
        "Are your lilies poisonous for cats?",
        "which of these plants is safe if I have a dog",
        "My cat chews everything, do you have a list of non toxic plants?",
        "Is the monstera toxic to pets?",
    ],
    "frost": [
        "Will the olive tree survive a winter outside?",
        "How cold can the lemon tree get before I have to bring it in?",
        "can the palm stay on the balcony in frost",
        "Is the fig hardy? we get minus 10 here",
    ],
    "gift": [
        "Can you put in a card with a message for my mum?",
        "do you do gift wrapping",
        "It's a present, can you leave the invoice out of the parcel?",
        "I'd like to send a plant to a friend with a greeting, how do I do that?",
    ],
    "repotting": [
        "When should I repot the plant after it arrives?",
        "What size of pot does the ficus need next?",
        "does it come in a proper pot or do i have to replant it",
        "Which soil should I use for repotting?",
    ],
    "collection": [
        "Can I come and pick up my order at the nursery?",
        "Is click and collect possible?",
        "do you have a shop where I can collect it myself",
        "Which hours can I pick plants up at your place?",
    ],
}

DENTIST = {
    "fear": [
        "I'm really scared of the dentist, can I be sedated?",
        "Do you offer laughing gas for anxious patients?",
        "is it possible to be asleep during the treatment",
        "My son panics at the dentist. What can you do about it?",
    ],
    "whitening": [
        "How much is teeth whitening?",
        "do you do bleaching and what does it cost",
        "Does whitening hurt the enamel?",
        "I want whiter teeth before my wedding, what do you offer?",
    ],
    "parking": [
        "Where can I park when I come to the practice?",
        "is there a car park nearby",
        "Can I get to you with a wheelchair, and is there disabled parking?",
        "Are there parking spaces for patients?",
    ],
    "cancelling": [
        "What happens if I miss my appointment?",
        "do you charge for a no show",
        "How late can I cancel an appointment without paying?",
        "I can't come tomorrow, is there a fee for cancelling?",
    ],
    "instalments": [
        "Can I pay for the implant in instalments?",
        "do you have payment plans",
        "Is it possible to pay monthly for the crown?",
        "What does financing a treatment over a year cost?",
    ],
}

BROADBAND = {
    "moving": [
        "I'm moving house next month, can I take my contract with me?",
        "What happens to my broadband when I move?",
        "how do i transfer the internet to my new address",
        "We relocate in June. Is there a fee for moving the line?",
    ],
    "router": [
        "Can I use my own router?",
        "do I have to take your router or does my fritzbox work",
        "Which settings does a third-party router need for your network?",
        "Is it allowed to connect my own modem?",
    ],
    "fibre": [
        "When will fibre be available in my street?",
        "is my address going to get fiber",
        "Do you plan to lay fibre optic in Harlow?",
        "How do I find out whether I can get gigabit fibre at home?",
    ],
    "abroad": [
        "Does the mobile plan work in Switzerland?",
        "what does roaming cost in the US",
        "Can I use my data abroad on holiday?",
        "How much is a call from Turkey back home?",
    ],
    "paper bill": [
        "Can I get my bill by post?",
        "i want paper invoices instead of email",
        "Is there a charge for a printed bill?",
        "How do I switch from the online invoice to a letter?",
    ],
}

COMPANIES = {"plants": PLANTS, "dentist": DENTIST, "broadband": BROADBAND}


def labelled(company: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return (question, subject) pairs."""
    return [(question, subject) for subject, asked in company.items() for question in asked]
