"""Fields become lines that a customer and a small model understand."""

from django.test import SimpleTestCase

from crm import wording


class WordingTests(SimpleTestCase):
    def test_a_date_is_spoken_and_everyday_words_stand_beside_the_systems_word(self) -> None:
        self.assertEqual(
            wording.lines({"shipped date": "1997-09-02"}),
            ["Shipped date (sent, dispatched, left the warehouse): 2 September 1997"],
        )

    def test_a_time_keeps_its_clock_unless_it_is_midnight(self) -> None:
        self.assertEqual(
            wording.lines({"seen": "2026-11-03T10:05:00Z"}), ["Seen: 3 November 2026, 10:05"]
        )
        self.assertEqual(wording.lines({"seen": "2026-11-03T00:00:00Z"}), ["Seen: 3 November 2026"])

    def test_money_has_two_decimals_and_counts_have_none(self) -> None:
        self.assertEqual(wording.lines({"total": 14.0}), ["Total: 14.00"])
        self.assertEqual(wording.lines({"pieces": 14.0}), ["Pieces: 14"])

    def test_each_item_of_a_nested_list_is_one_line(self) -> None:
        items = [{"product": "Tent", "quantity": 2}, {"product": "Peg", "quantity": 12}]
        self.assertEqual(
            wording.lines({"items": items}),
            ["Number of items: 2", "Item: Tent, quantity 2", "Item: Peg, quantity 12"],
        )

    def test_a_nested_object_is_flattened_with_its_name(self) -> None:
        self.assertEqual(wording.lines({"address": {"city": "Cork"}}), ["Address city: Cork"])

    def test_yes_no_and_nothing_are_words(self) -> None:
        self.assertEqual(
            wording.lines({"gift": True, "opened": False, "note": None}),
            ["Gift: yes", "Opened: no", "Note: none on record"],
        )

    def test_a_wrong_date_stays_as_it_was_written(self) -> None:
        self.assertEqual(
            wording.lines({"due on": "2026-13-45"}), ["Due on (to be paid by): 2026-13-45"]
        )

    def test_a_long_paragraph_is_cut_between_sentences(self) -> None:
        pieces = list(wording.paragraphs("One two three. Four five six. Seven.", 4))
        self.assertEqual(pieces, ["One two three.", "Four five six. Seven."])

    def test_each_item_of_a_list_is_a_line_of_its_own(self) -> None:
        text = (
            "Opening hours:\n- Monday to Friday: 9:30 to 18:00\n- Sunday: closed,\n  except in May"
        )
        lines = list(wording.paragraphs(text, 100))
        self.assertEqual(
            lines,
            ["Opening hours:", "Monday to Friday: 9:30 to 18:00", "Sunday: closed, except in May"],
        )

    def test_lines_that_only_a_narrow_window_has_broken_are_one(self) -> None:
        text = "You can return anything\nwithin 30 days.\n\nMonday: 9 to 17\nSunday: closed"
        lines = list(wording.paragraphs(text, 100))
        self.assertEqual(
            lines,
            ["You can return anything within 30 days.", "Monday: 9 to 17", "Sunday: closed"],
        )
