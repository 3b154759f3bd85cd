"""Exact names: found in any spelling, and numbers that are no names are left alone."""

import pytest
from django.test import SimpleTestCase

from crm.knowledge.keys import normalise, phrases, record_keys, references

pytestmark = pytest.mark.services


class KeyTests(SimpleTestCase):
    def test_a_code_is_one_key_in_any_punctuation_case_and_accent(self) -> None:
        self.assertEqual(normalise("FH-TNT 210"), "fhtnt210")
        self.assertEqual(normalise("Gumbär Gummibärchen"), "gumbargummibarchen")

    def test_a_record_is_known_by_its_id_its_title_and_the_codes_in_its_fields(self) -> None:
        fields = {"tracking": ["FHP-1234"], "e-mail": "a@example.com", "date": "2026-01-02"}
        keys = record_keys("order:10482", "Order 10482", fields)
        self.assertEqual(keys, {"order10482", "10482", "fhp1234", "aexamplecom"})

    def test_a_short_internal_number_is_no_name_by_itself(self) -> None:
        self.assertEqual(record_keys("product:12", "Tent", {}), {"product12", "tent"})

    def test_words_of_a_question_join_to_keys(self) -> None:
        self.assertIn("fhtnt210", phrases("is the FH TNT 210 in stock?"))
        self.assertIn("chefantonsgumbomix", phrases("How is Chef Anton's Gumbo Mix packed?"))

    def test_references_are_what_a_question_gives_as_a_records_number(self) -> None:
        self.assertEqual(references("Where is my order 12?"), [("12", "order12")])
        self.assertEqual(references("what about #W2611340"), [("w2611340",)])
        self.assertEqual(references("has 10649 been sent"), [("10649",)])
        self.assertEqual(references("I call about 10649"), [("10649",)])
        self.assertEqual(
            references("order number: 10482, invoice no. 7"),
            [("10482", "order10482"), ("7", "invoice7")],
        )

    def test_quantities_prices_years_and_days_are_no_references(self) -> None:
        for question in [
            "I ordered 2 tents for 1,299.00 in 2025",
            "can I return it after 30 days",
            "do you have a 500 ml bottle",
            "it cost 12345.67 euros",
            "you took €12000 from me",
            "my car has done 45000 km",
            "call me back on 0151 234567",
            "my phone number is 5551234567",
            "+44 20 7946 0958 reaches me",
            "I live at zip code 94107",
        ]:
            self.assertEqual(references(question), [], question)
