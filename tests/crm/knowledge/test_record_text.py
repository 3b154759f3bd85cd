"""Fields become lines that a customer and a small model understand."""

from django.test import SimpleTestCase, override_settings

from crm.knowledge import record_text


class RecordTextTests(SimpleTestCase):
    def test_a_date_is_spoken(self) -> None:
        self.assertEqual(
            record_text.lines(
                {"Pick-up planned": "soon", "E-mail sent": "no", "pick-up-place": "x"}
            ),
            ["Pick-up planned: soon", "E-mail sent: no", "Pick up place: x"],
        )
        self.assertEqual(
            record_text.lines({"shipped date": "1997-09-02"}),
            ["Shipped date: 2 September 1997"],
        )

    def test_a_time_keeps_its_clock_unless_it_is_midnight(self) -> None:
        self.assertEqual(
            record_text.lines({"seen": "2026-11-03T10:05:00Z"}),
            ["Seen: 3 November 2026, 10:05 UTC"],
        )
        self.assertEqual(
            record_text.lines({"seen": "2026-11-03T00:00:00Z"}), ["Seen: 3 November 2026"]
        )

    def test_a_programs_word_for_a_state_is_written_as_words(self) -> None:
        for value, told in {
            "waiting_for_parts": "waiting for parts",
            "paid": "paid",
            "FH_TNT_210": "FH_TNT_210",
            "jane_doe@shop.example": "jane_doe@shop.example",
            "_private_": "_private_",
        }.items():
            self.assertEqual(record_text.lines({"status": value}), [f"Status: {told}"])

    def test_money_has_two_decimals_and_counts_have_none(self) -> None:
        self.assertEqual(record_text.lines({"total": 14.0}), ["Total: 14.00"])
        self.assertEqual(record_text.lines({"pieces": 14.0}), ["Pieces: 14"])

    def test_each_item_of_a_nested_list_is_one_line(self) -> None:
        items = [{"product": "Tent", "quantity": 2}, {"product": "Peg", "quantity": 12}]
        self.assertEqual(
            record_text.lines({"items": items}),
            ["Number of items: 2", "Item: Tent, quantity 2", "Item: Peg, quantity 12"],
        )

    def test_a_nested_object_is_flattened_with_its_name(self) -> None:
        self.assertEqual(record_text.lines({"address": {"city": "Cork"}}), ["Address city: Cork"])

    def test_yes_no_and_nothing_are_words(self) -> None:
        self.assertEqual(
            record_text.lines({"gift": True, "opened": False, "note": None}),
            ["Gift: yes", "Opened: no", "Note: none on record"],
        )

    def test_a_wrong_date_stays_as_it_was_written(self) -> None:
        self.assertEqual(record_text.lines({"due on": "2026-13-45"}), ["Due on: 2026-13-45"])

    def test_amounts_keep_every_digit_and_gain_none(self) -> None:
        for value, told in {
            10499.99: "10499.99",
            10499.990000000002: "10499.99",
            1234567.891: "1234567.891",
            0.1 + 0.2: "0.30",
            -0.0: "0.00",
            -12.5: "-12.50",
            1e22: "10000000000000000000000.00",
            5e-7: "0.0000005",
            99999999.99: "99999999.99",
            1234567890.123457: "1234567890.123457",
            12345678901234568.0: "12345678901234568.00",
            1200: "1200",
        }.items():
            self.assertEqual(record_text.lines({"total": value}), [f"Total: {told}"])
        self.assertEqual(
            record_text.lines({"meter reading": 123456.789}), ["Meter reading: 123456.789"]
        )

    def test_money_has_the_records_currency_beside_it_and_counts_have_none(self) -> None:
        fields = {"order total": 10499.99, "total items": 3, "refund": "249", "currency": "SEK"}
        self.assertEqual(
            record_text.lines(fields)[:3],
            ["Order total: 10499.99 SEK", "Total items: 3", "Refund: 249 SEK"],
        )
        items = {"items": [{"product": "Tent", "unit_price": 14.0}], "CurrencyIsoCode": "eur"}
        self.assertEqual(record_text.lines(items)[1], "Item: Tent, unit price 14.00 EUR")
        self.assertEqual(record_text.lines({"total": 5.0, "currency": "points"})[0], "Total: 5.00")

    def test_times_are_told_in_the_companys_zone_which_is_said(self) -> None:
        seen = {"seen": "2026-07-03T10:05:00+00:00"}
        with override_settings(TIME_ZONE="Europe/Berlin"):
            self.assertEqual(record_text.lines(seen), ["Seen: 3 July 2026, 12:05 CEST"])
        with override_settings(TIME_ZONE="Asia/Dubai"):
            self.assertEqual(record_text.lines(seen), ["Seen: 3 July 2026, 14:05 UTC+04"])
        naive = record_text.lines({"seen": "2026-07-03T10:05"})
        self.assertEqual(naive, ["Seen: 3 July 2026, 10:05"], "the CRM says no zone")

    def test_a_field_of_time_that_is_a_number_is_told_as_a_time(self) -> None:
        for name, value, told in [
            ("contract_renewal_date", "1798675200000", "31 December 2026"),
            ("closedate", 1798675200000, "31 December 2026"),
            ("created_at", 1763647380, "20 November 2025, 14:03 UTC"),
            ("lastContacted", "1763647380000", "20 November 2025, 14:03 UTC"),
        ]:
            [line] = record_text.lines({name: value})
            self.assertTrue(line.endswith(f": {told}"), line)
        for name, value in [("phone", "4915112345678"), ("serial number", 1763647380), ("due", 12)]:
            [line] = record_text.lines({name: value})
            self.assertTrue(line.endswith(f": {value}"), line)

    def test_a_day_that_could_be_of_two_months_stays_as_it_is_written(self) -> None:
        self.assertEqual(record_text.lines({"delivered": "05/04/2026"}), ["Delivered: 05/04/2026"])
