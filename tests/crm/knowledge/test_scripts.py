"""Texts in scripts that part no words, or whose signs are made of several characters."""

import unicodedata

import pytest
from tokenizers import Tokenizer

from chatbot.engines.reader import WEIGHTS
from crm.knowledge import prose
from crm.knowledge.passages import PASSAGE_WORDS, passages
from crm.models import Record
from crm.plumbing import storable
from inference.encoder import MAX_TOKENS
from inference.length import words

WRITTEN = {
    "Khmer": "សូមអរគុណសម្រាប់ការបញ្ជាទិញរបស់អ្នក",
    "Thai": "ขอบคุณสำหรับการสั่งซื้อของคุณเราจะจัดส่งพรุ่งนี้",
    "Lao": "ຂອບໃຈສຳລັບການສັ່ງຊື້ຂອງທ່ານ",
    "Burmese": "ကျေးဇူးတင်ပါတယ်မြန်မာ",
    "Chinese": "感谢您的订购我们明天发货",
    "Chinese in sentences": "感谢" * 44 + "。",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས་ཞུ་དོན་དག་ཚོང་ཁང་",
    "Hindi": "क्षत्रियस्त्री",
    "families": "👩🏽‍👩🏽‍👧🏽‍👦🏽",
}
PROSE = {
    "Arabic": "يمكنكم إرجاع الأحذية خلال ثلاثين يوما من الاستلام ما لم تستخدم في الهواء الطلق",
    "Hebrew": "אפשר להחזיר את הנעליים בתוך שלושים יום אם לא נעלו אותן בחוץ",
    "Hindi": "आप तीस दिनों के भीतर जूते वापस कर सकते हैं यदि उनका बाहर उपयोग नहीं किया गया है",
    "Korean": "구매하신 신발은 수령일로부터 삼십 일 이내에 반품하실 수 있습니다",
    "Russian": "Вы можете вернуть обувь в течение тридцати дней, если она не носилась на улице",
    "Greek": "Μπορείτε να επιστρέψετε τα παπούτσια εντός τριάντα ημερών",
    "Georgian": "ფეხსაცმლის დაბრუნება შეგიძლიათ ოცდაათი დღის განმავლობაში",
    "Chinese": "您可以在收到鞋子后的三十天内退货，前提是没有在室外穿过",
    "German": "Rücksendebestimmungen gelten innerhalb der Gewährleistungsfrist",
}
EVERY = pytest.mark.parametrize("sign", WRITTEN.values(), ids=WRITTEN)


def filled(sign: str, length: int) -> str:
    """Ends in something that is found nowhere else."""
    return f"{sign * (length // len(sign) - 1)}END"


LENGTHS = [(script, length) for script in WRITTEN for length in (500, 20_000)]
# As long as is kept: with full stops, without any, and of signs that must not be cut.
LENGTHS += [(script, 200_000) for script in ("Chinese in sentences", "Thai", "families")]


@pytest.mark.slow
@pytest.mark.parametrize(("script", "length"), LENGTHS)
def test_a_long_text_and_a_long_field_are_searched_to_their_end(script: str, length: int) -> None:
    text = filled(WRITTEN[script], length)
    for record in (
        Record(id="a", title="T", text=text, fields={}),
        Record(id="a", title="T", text="", fields={"note": text}),
    ):
        found = "".join(passages(record))
        kept = found.replace("T\n", "").replace("Note: ", "").replace("\n", "").replace(" ", "")
        assert kept == text


@EVERY
def test_a_passage_is_no_longer_than_is_read_of_it(sign: str) -> None:
    for passage in passages(Record(id="a", title="T", text=filled(sign, 5_000), fields={})):
        assert words(passage) <= prose.LONGEST_WHOLE * PASSAGE_WORDS


@pytest.mark.slow
@pytest.mark.parametrize("stop", [". ", " "], ids=["sentences", "no full stop"])
@pytest.mark.parametrize("sentence", PROSE.values(), ids=PROSE)
def test_the_encoder_reads_each_passage_to_its_end(sentence: str, stop: str) -> None:
    tokenizer = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    tokenizer.no_truncation()
    text = stop.join([sentence] * 40)
    for passage in passages(Record(id="a", title="T", text=text, fields={"note": text})):
        assert len(tokenizer.encode(passage).ids) <= MAX_TOKENS


@EVERY
def test_no_sign_is_cut_in_two(sign: str) -> None:
    text = filled(sign, 5_000)
    parts = [*prose.slices(text), storable.cut("title", text, [])]
    assert "".join(parts[:-1]) == text
    for part in parts:
        assert not unicodedata.category(part[0]).startswith("M")
        assert part[0] != "\u200d"
    for part in parts[:-1]:
        assert unicodedata.combining(part[-1]) != 9 and part[-1] not in "\u200dเໃ"
    assert not parts[-1].removesuffix(storable.CUT).endswith(("\u17d2", "\u200d"))


def test_signs_without_end_are_still_cut() -> None:
    assert "".join(prose.slices("\u0301" * 5_000)) == "\u0301" * 5_000
