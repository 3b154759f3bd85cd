"""The text of an article becomes lines that can stand alone."""

import pytest

from crm.knowledge.passages import passages
from crm.knowledge.prose import paragraphs
from crm.models import Record


def cut(text: str, title: str = "") -> list[str]:
    return list(paragraphs(text, 100, title))


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    pieces = list(paragraphs("One two three. Four five six. Seven.", 4))
    assert pieces == ["One two three.", "Four five six. Seven."]


def test_each_item_of_a_list_is_a_line_of_its_own() -> None:
    text = "Opening hours:\n- Monday to Friday: 9:30 to 18:00\n- Sunday: closed,\n  except in May"
    assert cut(text) == [
        "Opening hours: Monday to Friday: 9:30 to 18:00",
        "Opening hours: Sunday: closed, except in May",
    ]


def test_lines_that_only_a_narrow_window_has_broken_are_one() -> None:
    text = "You can return anything\nwithin 30 days.\n\nMonday: 9 to 17\nSunday: closed"
    lines = ["You can return anything within 30 days.", "Monday: 9 to 17", "Sunday: closed"]
    assert cut(text) == lines


@pytest.mark.parametrize("heading", ["## Locked out", "**Locked out**", "Locked out\n-----"])
def test_each_line_has_the_heading_that_it_stands_under(heading: str) -> None:
    text = f"""Report it in the app.

{heading}

- 9 pm to 7 am, ring security: $35 each time.
- Lost fob: $60.

A locksmith comes within the hour. Have your contract and your passport or driving licence ready \
for her, since she may not open a door for anybody who does not live there. She takes cards.

## Fire alarm

The first call-out is free."""
    assert cut(text) == [
        "Report it in the app.",
        "Locked out: 9 pm to 7 am, ring security: $35 each time.",
        "Locked out: Lost fob: $60.",
        "Locked out: A locksmith comes within the hour.",
        "Locked out: Have your contract and your passport or driving licence ready for her, since "
        "she may not open a door for anybody who does not live there. She takes cards.",
        "Fire alarm: The first call-out is free.",
    ]


def test_bold_words_before_a_list_introduce_it_alone() -> None:
    text = "**We do not accept:**\n\n- plant pots\n- mirrors\n\nEverything else is welcome."
    assert cut(text) == [
        "We do not accept: plant pots",
        "We do not accept: mirrors",
        "Everything else is welcome.",
    ]


def test_headings_of_two_levels_stand_together() -> None:
    text = """# Terms

## Germany

### Express

10 EUR

## Austria

### Express

20 EUR

### What of Sundays?

No."""
    assert cut(text, "Terms") == [
        "Germany: Express: 10 EUR",
        "Austria: Express: 20 EUR",
        "Austria: What of Sundays? No.",
    ]


def test_a_question_stands_with_its_answer_and_before_no_other_heading() -> None:
    text = """## Delivery

How long does it take?

Two weeks.

To collect it:

Ring us.

## Can I cancel?

Yes.

**Can I pay by card?**

No."""
    assert cut(text) == [
        "Delivery: How long does it take? Two weeks.",
        "Delivery: To collect it: Ring us.",
        "Can I cancel? Yes.",
        "Can I pay by card? No.",
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "## What we do if you change your mind about a thing that you bought and paid for here",
        "Orders\n----",
        "## [Orders](https://shop.example.com/help/orders/and/all/about/them)",
        " ## Orders",
        "> ## Orders",
        "---",
    ],
)
def test_every_heading_ends_the_part_above_it(heading: str) -> None:
    *_, last = cut(f"## Gift cards\n\nNever refunded.\n\n{heading}\n\nWe refund the price.")
    assert "Gift cards" not in last
    assert "We refund the price." in last


def test_a_mark_in_code_is_no_heading() -> None:
    text = "## Restart\n\n```\n# stop the service\n```\n\nThen wait."
    assert cut(text) == ["Restart: # stop the service", "Restart: Then wait."]


def test_an_item_introduces_only_the_items_below_it() -> None:
    text = "Deposit:\n- Standard rooms:\n  - 100 EUR\n- Suites: 200 EUR"
    assert cut(text) == ["Deposit: Standard rooms: 100 EUR", "Deposit: Suites: 200 EUR"]
    assert cut("We take:\n- Glass\nWe do not take:\n- Plant pots") == [
        "We take: Glass",
        "We do not take: Plant pots",
    ]


def test_a_label_does_not_hold_for_what_its_paragraph_does_not_lead_to() -> None:
    table = "| Day | Opens |\n|---|---|\n| Monday | 9 |"
    assert cut(
        f"## Hotel\n\n**Smoking:** forbidden everywhere.\n\n- Check in from 3 pm.\n\n{table}"
    ) == [
        "Hotel: Smoking: forbidden everywhere.",
        "Hotel: Check in from 3 pm.",
        "Hotel · Monday · Opens: 9",
    ]
    assert cut(f"**Prices per week:** for two\n\n{table}")[0] == "Prices per week: for two"


def test_after_a_label_the_heading_in_bold_holds_again() -> None:
    text = "**Locked out**\n\n**Note:** bring your card.\n\nRing security."
    assert cut(text) == ["Locked out: Note: bring your card.", "Locked out: Ring security."]


def test_each_piece_of_a_long_paragraph_has_the_heading() -> None:
    lines = cut("## Terms\n\nAttention: " + "We say it again and again. " * 60)
    assert len(lines) > 2
    assert all(line.startswith("Terms: ") for line in lines)


@pytest.mark.parametrize(
    "sign", ["*", "#", "**a**", "> ", "Why? ", "It is so. ", "- a\n", "## a\n"]
)
def test_signs_without_end_are_cut_in_time(sign: str) -> None:
    assert cut("## H\n\n" + sign * 20_000)
    assert cut("# a " + sign * 20_000)


def test_a_label_is_the_heading_of_its_paragraph_and_of_the_list_after_it() -> None:
    text = """## Returns

**Guarantee.** Twelve months.

You pay for the parcel.

**Who pays:** we do, for:
- straps
- stitching

**When?** Within 30 days.

Ask us."""
    assert cut(text) == [
        "Returns: Guarantee: Twelve months.",
        "Returns: You pay for the parcel.",
        "Returns: Who pays: we do, for: straps",
        "Returns: Who pays: we do, for: stitching",
        "Returns: When? Within 30 days.",
        "Returns: Ask us.",
    ]


def test_bold_words_that_begin_or_are_a_sentence_are_no_label() -> None:
    assert cut("**Gift cards** never expire.") == ["Gift cards never expire."]
    text = "**Check-in is from 4 p.m.** Ring on the morning."
    assert cut(text) == ["Check-in is from 4 p.m. Ring on the morning."]


def test_a_question_above_a_paragraph_stays_a_question() -> None:
    assert cut("### Can I pay by card?\n\nYes, from 5 EUR.") == [
        "Can I pay by card? Yes, from 5 EUR."
    ]


def test_a_table_has_the_heading_of_its_section_unless_a_nearer_line_introduces_it() -> None:
    table = "| Day | Opens |\n|---|---|\n| Monday | 9 |"
    assert cut(f"## Desk\n\nWe are in the hall.\n\n{table}") == [
        "Desk: We are in the hall.",
        "Desk · Monday · Opens: 9",
    ]
    assert cut(f"## Desk\n\nIn winter:\n\n{table}") == [
        "Desk: In winter:",
        "In winter · Monday · Opens: 9",
    ]
    assert cut(f"## Desk\n\n{table}\n\nCome early.") == [
        "Desk · Monday · Opens: 9",
        "Desk: Come early.",
    ]


def test_a_heading_above_nothing_is_kept_and_the_title_is_not_repeated() -> None:
    assert cut("# Closed in May\n\n# Prices\n\n5 EUR") == ["Closed in May", "Prices: 5 EUR"]
    assert cut("# Prices\n\n5 EUR", "Prices") == ["5 EUR"]


def test_a_heading_too_long_to_be_repeated_is_a_line_like_others() -> None:
    long = "What we do when somebody has left a thing in the hall and nobody comes to ask for it"
    assert cut(f"## {long}\n\nWe keep it.") == [long, "We keep it."]


def test_the_heading_is_in_every_passage() -> None:
    items = "\n".join(
        f"- In month {number} the desk opens at nine o'clock." for number in range(30)
    )
    record = Record(id="hours", title="Hours", text=f"## Desk\n\n{items}")
    texts = passages(record)
    assert len(texts) > 1
    for text in texts:
        assert all(line.startswith("Desk: ") for line in text.split("\n")[1:])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("## Opening **hours**\nWe open at 9.", ["Opening hours: We open at 9."]),
        ("**Lost?** Ring *us*, not _them_.", ["Lost? Ring us, not them."]),
        ("**All *our* prices**", ["All our prices"]),
        ("> We asked\n> twice.", ["We asked twice."]),
        ("> 5 kg: 20 EUR", ["> 5 kg: 20 EUR"]),
        ("Dial \\*131# at 5 * 3 * 2, \\*now\\*", ["Dial *131# at 5 * 3 * 2, *now*"]),
        (
            "a_snake_case, __init__, 2**10, ****1234",
            ["a_snake_case, __init__, 2**10, ****1234"],
        ),
        ("More\n## Prices\nfrom 5 EUR", ["More", "Prices: from 5 EUR"]),
        ("* an item of *one* word", ["an item of one word"]),
    ],
)
def test_marks_of_markdown_are_no_words(text: str, lines: list[str]) -> None:
    assert cut(text) == lines
