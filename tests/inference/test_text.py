"""What the classifier reads of a message, and which messages it leaves alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sentiment.language import is_foreign
from inference.sentiment.text import MAX_CHARACTERS, readable, says_something


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("where   is\nmy order?", "where is my order?"),
        ("@SupportTeam see https://x.example/1?a=b", "@user see http"),
        ("write to a.b@c.example please", "write to email please"),
        ("soooooo bad", "sooo bad"),
        ("😡", "angry face"),
        ("thanks 👍🏽❤️", "thanks thumbs up sign love"),
        ("zero\u200bwidth \u202eand\u202c turned", "zerowidth and turned"),
        ("half \ud83d a character", "half a character"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("caffè", "caffè"),
        ("\x00\x07", ""),
        ("", ""),
    ],
)
def test_what_is_read_of_a_message(text: str, read: str) -> None:
    assert readable(text) == read


@given(st.text())
def test_every_text_can_be_read_and_reading_it_again_changes_nothing(text: str) -> None:
    once = readable(text)
    assert "\x00" not in once
    once.encode()
    assert readable(once) == once


def test_a_hundred_kilobytes_are_not_all_read() -> None:
    assert len(readable("why " * 25_000)) <= MAX_CHARACTERS


@pytest.mark.parametrize("words", ["", "10482", "http", "@user http", "email", "?!"])
def test_nothing_is_said_by_links_numbers_and_marks(words: str) -> None:
    assert not says_something(words)


@pytest.mark.parametrize("words", ["no", "the http link", "emails", "pouting face"])
def test_a_word_says_something(words: str) -> None:
    assert says_something(words)


@pytest.mark.parametrize(
    "text",
    [
        "Wo ist mein Paket?",
        "Das ist eine Frechheit, ich warte seit drei Wochen",
        "¿Dónde está mi pedido?",
        "Merci beaucoup, c'est parfait",
        "Questo servizio è pessimo",
        "Gdzie jest moja paczka?",
        "注文はどこですか",
        "где мой заказ",
        "siparişim nerede",
        "Waar is mijn bestelling gebleven?",
        "donde esta mi pedido",
        "mon colis n'est pas arrivé",
    ],
)
def test_another_language_is_noticed(text: str) -> None:
    assert is_foreign(readable(text))


@pytest.mark.parametrize(
    "text",
    [
        "my card has not arrived yet",
        "lol ok",
        "thx!!",
        "refund pls",
        "still waiting smh",
        "u guys suck",
        "hello",
        "no internet since monday",
        "Lisbon to Oslo on Friday",
        "order 10482 tent size M",
        "terrible experience",
        "gr8 service m8",
        "I dinnae ken where ma parcel is",
        "im so angry rn",
        "ok sent 📸",
        "briliant servise agian",
        "do u have cloakroom",
        "my Paket from Zürich is late and nobody answers me",
        "",
        "😡",
    ],
)
def test_english_in_every_dress_is_not_taken_for_another_language(text: str) -> None:
    assert not is_foreign(readable(text))


@given(st.text())
def test_the_language_of_anything_can_be_asked(text: str) -> None:
    is_foreign(readable(text))
