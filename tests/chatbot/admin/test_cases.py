"""Test questions in the admin, and judging on a conversation's page: lena leads, dora answers,
charlie may nothing."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chatbot.models import Case, Conversation, Inbox, Message
from chatbot.teaching import questions
from crm.models import Customer
from tests.chatbot.admin.console import answer, page_of, record, staff, talk, text_of

pytestmark = pytest.mark.django_db

LIST = "/admin/chatbot/case/"
AGENT = ["view_conversation", "add_case"]
LEAD = ["view_case", "add_case", "change_case"]


@pytest.fixture
def answered(inbox: Inbox) -> Message:
    alice = Customer.objects.create(id="alice", name="Alice Ash")
    order = record("order:1", "Order 1", alice)
    passages = [{"id": order.id, "title": order.title, "text": ""}]
    conversation = talk(inbox, customer=alice)
    said = "Order 1 – Total: 41.50."
    return answer(conversation, said, "What did I pay?", passages=passages, state="answered")


def judge(client: Client, message: Message, **values: str) -> Any:
    url = reverse("admin:teach", args=[message.conversation_id, message.seq])
    return client.post(url, values)


def file(*lines: Any) -> SimpleUploadedFile:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return SimpleUploadedFile("cases.jsonl", text.encode())


# --- judging


def test_dora_judges_an_answer_where_it_stands(client: Client, answered: Message) -> None:
    dora = staff(client, "dora", *AGENT)
    page = page_of(answered.conversation)
    assert 'aria-label="Judge this answer"' in text_of(dora, page)
    assert judge(dora, answered, verdict="right")["Location"] == f"{page}#message-2"
    case = Case.objects.get()
    assert (case.verdict, case.record, case.by.username) == ("right", "order:1", "dora")
    html = text_of(dora, page)
    assert 'value="right" aria-pressed="true"' in html and "says <bdi>dora</bdi>" in html
    judge(dora, answered, verdict="wrong", answer="You paid <b>50.00</b>.", record="order:1")
    case.refresh_from_db()
    assert (case.verdict, case.expect) == ("wrong", [["50.00", "50"]])
    assert "&lt;b&gt;50.00" in text_of(dora, page)
    judge(dora, answered, verdict="")
    assert not Case.objects.exists()


def test_what_cannot_be_judged_says_why(client: Client, answered: Message) -> None:
    dora = staff(client, "dora", *AGENT)
    record("order:2", "Order 2", Customer.objects.create(id="bob"))
    response = judge(dora, answered, verdict="wrong", record="order:2")
    assert "This customer may see no such record" in text_of(dora, response["Location"])
    assert dora.get(reverse("admin:teach", args=[answered.conversation_id, 2])).status_code == 405
    asked = answered.conversation.messages.get(seq=1)
    judge(dora, asked, verdict="right")
    assert not Case.objects.exists()


def test_only_this_customers_records_are_offered(client: Client, answered: Message) -> None:
    record("order:2", "Order 2 of Bob", Customer.objects.create(id="bob"))
    record("article:1", "Ordering", None, kind="article")
    url = reverse("admin:answering-records", args=[answered.conversation_id])
    rows = staff(client, "dora", *AGENT).get(url, {"q": "order"}).json()["rows"]
    assert rows == [
        {"id": "order:1", "title": "Order 1 (order)"},
        {"id": "article:1", "title": "Ordering (article)"},
    ]
    assert client.get(url).json()["rows"] == rows[:1]


def test_charlie_judges_nothing(client: Client, answered: Message) -> None:
    charlie = staff(client, "charlie", "view_conversation")
    assert "Judge this answer" not in text_of(charlie, page_of(answered.conversation))
    assert judge(charlie, answered, verdict="right").status_code == 403
    url = reverse("admin:answering-records", args=[answered.conversation_id])
    assert charlie.get(url).status_code == 403
    erin = staff(Client(), "erin", "add_case")
    assert judge(erin, answered, verdict="right").status_code == 403
    assert not Case.objects.exists()


def test_a_redacted_conversation_offers_no_judging(client: Client, answered: Message) -> None:
    Conversation.objects.update(redacted_at="2026-01-01T00:00:00Z")
    dora = staff(client, "dora", *AGENT)
    assert "Judge this answer" not in text_of(dora, page_of(answered.conversation))


# --- the list and the form


def form(**values: Any) -> dict[str, Any]:
    return {"question": "How long?", "kind": "holds", "texts": "30 days|thirty days\n5 %"} | values


def test_lena_writes_and_edits_a_question(client: Client) -> None:
    record("article:1", "Returns", None, kind="article")
    lena = staff(client, "lena", *LEAD)
    lena.post(f"{LIST}add/", form(record="article:1", active="on"))
    case = Case.objects.get()
    assert case.expect == [["30 days", "thirty days"], ["5 %"]]
    assert (case.record, case.by.username) == ("article:1", "lena")
    page = f"{LIST}{case.pk}/change/"
    html = text_of(lena, page)
    assert "30 days | thirty days" in html
    lena.post(page, form(kind="refuse", texts=""))
    case.refresh_from_db()
    assert (case.expect, case.active) == ("refuse", False)
    assert '<option value="refuse" selected' in text_of(lena, page)
    assert "A refusal: it is not on record" in text_of(lena, LIST)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"texts": ""}, "Write what a right answer contains"),
        ({"texts": "30 days |"}, "Write a text on each side"),
        ({"record": "order:1"}, "no such record"),
        ({"record": "order:1", "customer": "bob"}, "no such record"),
        ({"question": " "}, "This field is required"),
    ],
)
def test_a_question_that_cannot_be_judged_is_refused(
    client: Client, answered: Message, values: dict[str, Any], says: str
) -> None:
    Customer.objects.create(id="bob")
    lena = staff(client, "lena", *LEAD, "view_customer")
    assert says in lena.post(f"{LIST}add/", form(**values)).content.decode()
    assert not Case.objects.exists()


def test_a_taught_question_leads_to_its_answer_and_shows_what_was_said_before(
    client: Client, answered: Message
) -> None:
    case = Case.objects.create(
        question="And <b>who</b>?", message=answered, before={"history": [["bot", "<i>Hi</i>"]]}
    )
    html = text_of(staff(client, "lena", *LEAD), f"{LIST}{case.pk}/change/")
    assert f"{page_of(answered.conversation)}#message-2" in html
    assert "<bdi>&lt;i&gt;Hi&lt;/i&gt;</bdi>" in html and "<b>who</b>" not in html


# --- files


def test_a_file_goes_in_and_comes_out(client: Client) -> None:
    lena = staff(client, "lena", *LEAD)
    good = {"question": "How long?", "expect": [["30 days"]]}
    html = lena.post(
        f"{LIST}upload/", {"file": file(good, "{", good)}, follow=True
    ).content.decode()
    assert "2 test questions added" in html and "Line 2: it is not JSON" in html
    lines = b"".join(lena.get(f"{LIST}export/")).splitlines()
    assert [json.loads(line)["expect"] for line in lines] == [[["30 days"]]] * 2
    chosen = {"action": "export_chosen", "_selected_action": [Case.objects.first().pk]}
    assert len(b"".join(lena.post(LIST, chosen)).splitlines()) == 1
    lena.post(LIST, chosen | {"action": "switch_off"})
    assert Case.objects.filter(active=True).count() == 1


def test_of_a_very_long_file_the_first_questions_are_taken_and_somebody_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lena = staff(client, "lena", *LEAD)
    monkeypatch.setattr(questions, "MOST_QUESTIONS", 2)
    row = {"question": "How long?", "expect": [["30"]], "before": {"unanswered": 1e999}}
    lines = [json.dumps(row), *[json.dumps(row | {"before": {}})] * 4]
    html = lena.post(f"{LIST}upload/", {"file": file(*lines)}, follow=True).content.decode()
    assert "as in an export of test questions" in html
    assert "Only the first 2 questions were read." in html
    assert Case.objects.count() == 1


def test_a_file_that_is_too_large_is_refused(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("chatbot.teaching.questions.MOST_BYTES", 10)
    lena = staff(client, "lena", *LEAD)
    assert "too large" in lena.post(f"{LIST}upload/", {"file": file("x" * 20)}).content.decode()


def test_dora_and_charlie_do_not_get_at_the_questions(client: Client) -> None:
    for name, rights in (("dora", AGENT), ("charlie", [])):
        somebody = staff(client, name, *rights)
        for page in ("", "add/", "upload/", "export/"):
            assert somebody.get(f"{LIST}{page}").status_code == 403, (name, page)
    auditor = staff(client, "auditor", "view_case")
    assert auditor.get(f"{LIST}export/").status_code == 200
    assert auditor.get(f"{LIST}upload/").status_code == 403
