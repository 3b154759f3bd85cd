"""A passage is cut into lines that are true by themselves."""

import pytest

from inference.lines import cut

HOURS = """Opening hours
Friday · Dentistry: closed
Friday · Physiotherapy: 9.00 to 17.00
Saturday · Dentistry: 9.00 to 12.30
Status: open, except in May"""


def test_the_cells_of_a_row_are_told_together_and_a_field_alone() -> None:
    title, lines = cut(HOURS)
    assert title == "Opening hours"
    assert list(lines) == [
        "Friday · Dentistry: closed; Physiotherapy: 9.00 to 17.00",
        "Saturday · Dentistry: 9.00 to 12.30",
        "Status: open, except in May",
    ]


def test_of_a_long_row_each_cell_is_a_line() -> None:
    cells = [f"Friday · Room {number}: {'open to the public all day ' * 3}" for number in range(5)]
    assert list(cut("\n".join(["Hours", *cells]))[1]) == cells


LONG = (
    "Parcels that are longer than two metres are taken only from Monday to Wednesday at our depot."
)


@pytest.mark.parametrize(
    ("paragraph", "lines"),
    [
        ("We close at noon. We open at two.", ["We close at noon. We open at two."]),
        (f"{LONG} {LONG}", [LONG, LONG]),
        (f"{LONG} Unless they weigh less than five kilos, with all their wrapping.", 1),
        (f"Too long for us? {LONG} {LONG}", [f"Too long for us? {LONG}", LONG]),
        (f"**Long parcels:** {LONG} It is free.", 1),
    ],
)
def test_short_sentences_stay_together_and_none_without_what_it_leans_on(
    paragraph: str, lines: list[str] | int
) -> None:
    _, found = cut(f"Parcels\n{paragraph}")
    assert (len(found) if isinstance(lines, int) else list(found)) == lines


def test_a_question_is_told_with_the_line_below_it() -> None:
    text = "Codes\nForgot the code?\nThe office gives it out.\nStatus: sent"
    assert list(cut(text)[1]) == ["Forgot the code? The office gives it out.", "Status: sent"]


def test_a_passage_may_have_no_lines() -> None:
    assert cut("Opening hours") == ("Opening hours", ())
