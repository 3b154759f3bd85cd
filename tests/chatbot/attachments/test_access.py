"""Who may upload and read: alice her own, dora those of conversations she may see, bob and charlie
nothing; and whatever it is, it is served in a box."""

import re
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from chatbot.attachments import store, uploads, views
from chatbot.conversation import agents, customers
from chatbot.models import Attachment, Conversation, Inbox, Visitor
from chatbot.people import identity
from chatbot.wire import limits
from tests.chatbot.attachments.files import HTML, PDF, SVG, image

pytestmark = [pytest.mark.django_db, pytest.mark.services]
API = "/api/attachments/"


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()
    limits.reset()


class Customer:
    def __init__(self, inbox: Inbox) -> None:
        self.client, self.visitor = Client(), Visitor.objects.create(inbox=inbox)
        self.conversation = customers.conversation_of(self.visitor)
        self.headers = {"Authorization": f"Bearer {identity.issue(self.visitor)[0]}"}

    def upload(self, name: str = "boots.png", data: bytes | None = None, **headers: str) -> Any:
        file = SimpleUploadedFile(name, image("PNG") if data is None else data, "text/html")
        return self.client.post(API, {"file": file}, headers=self.headers | headers)

    def sent(self, name: str = "boots.png", data: bytes | None = None) -> Any:
        found = self.upload(name, data).json()
        customers.receive(self.conversation, found["id"], "", attachments=[found["id"]])
        return found


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Shop", origins=["https://shop.example"])


@pytest.fixture
def alice(inbox: Inbox) -> Customer:
    return Customer(inbox)


@pytest.fixture
def bob(inbox: Inbox) -> Customer:
    return Customer(inbox)


def staff(name: str, *rights: str) -> tuple[User, Client]:
    user, client = User.objects.create_user(name, is_staff=True), Client()
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(user)
    return user, client


def address(found: dict[str, Any]) -> str:
    return reverse("attachment", args=[found["id"]])


# --- uploading


def test_alice_uploads_a_picture_whatever_she_calls_it(alice: Customer) -> None:
    answer = alice.upload("boots\u202e.html")
    assert answer.status_code == 201
    found = answer.json()
    assert found["type"] == "image/png"
    assert found["name"] == "boots.html.png"
    assert found["bytes"] == Attachment.objects.get().size
    assert alice.client.get(found["url"]).content == Attachment.objects.get().file.read()


@pytest.mark.parametrize("data", [HTML, SVG, HTML + PDF, b""])
def test_what_is_no_image_and_no_pdf_is_refused_in_words(alice: Customer, data: bytes) -> None:
    answer = alice.upload("boots.png", data)
    assert answer.status_code in {400, 415}
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert not Attachment.objects.exists()


def test_what_is_too_large_is_refused_in_words(alice: Customer, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 1024 * 1024
    for size in (1024 * 1024 + 1, 3 * 1024 * 1024):
        answer = alice.upload("scan.pdf", PDF + b" " * size)
        assert answer.status_code == 413
        assert answer.json()["detail"].endswith("1 MB is the most.")


def test_a_file_larger_than_any_webhook_is_taken(alice: Customer, settings: Any) -> None:
    large = PDF.replace(b"endobj", b"endobj" + b" " * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    assert alice.upload("scan.pdf", large).status_code == 201


def test_who_uploads_too_much_is_told_when_to_go_on(alice: Customer, settings: Any) -> None:
    settings.ATTACHMENTS_PER_MINUTE = 1
    assert alice.upload().status_code == 201
    answer = alice.upload()
    assert answer.status_code == 429
    assert answer.json()["retry_after"] > 0


def test_who_is_many_visitors_uploads_as_much_as_a_few(inbox: Inbox, settings: Any) -> None:
    settings.ATTACHMENTS_PER_MINUTE = 1
    answers = [Customer(inbox).upload().status_code for _ in range(7)]
    assert answers == [201] * 6 + [429]


def test_what_nginx_lets_through_fits(settings: Any) -> None:
    template = (settings.BASE_DIR / "deploy/nginx/attune.conf.template").read_text()
    found = re.search(
        r"location ~ (\S+/attachments/\$) \{\s+client_max_body_size (\d+)m;", template
    )
    assert found
    assert int(found[2]) * 1024 * 1024 >= settings.ATTACHMENT_MAX_BYTES + uploads.FORM
    for url in (API, reverse("admin:attach", args=[uuid4()])):
        assert re.match(found[1], url)


def test_a_full_conversation_takes_no_more(alice: Customer, settings: Any) -> None:
    settings.CONVERSATION_MAX_BYTES = 10
    assert alice.upload().status_code == 409


def test_nobody_uploads_without_a_good_token_or_from_another_site(alice: Customer) -> None:
    assert Client().post(API, {}).status_code == 401
    assert alice.upload(Authorization="Bearer nonsense").status_code == 401
    assert alice.upload(Authorization="Basic x").status_code == 401
    assert alice.upload(Origin="https://evil.example").status_code == 403
    assert alice.upload(Origin="https://shop.example").status_code == 201
    with mock.patch("time.time", return_value=timezone.now().timestamp() + 7200):
        assert alice.upload().status_code == 401


def test_a_form_without_a_file_is_told_what_to_send(alice: Customer) -> None:
    answer = alice.client.post(API, {"text": "x"}, headers=alice.headers)
    assert answer.status_code == 400
    assert "field `file`" in answer.json()["detail"]


def test_alice_takes_back_what_she_has_not_sent(alice: Customer, bob: Customer) -> None:
    unsent, sent = alice.upload().json(), alice.sent()
    one = reverse("one-attachment", args=[unsent["id"]])
    assert bob.client.delete(one, headers=bob.headers).status_code == 404
    assert alice.client.delete(one, headers=alice.headers).status_code == 204
    other = reverse("one-attachment", args=[sent["id"]])
    assert alice.client.delete(other, headers=alice.headers).status_code == 404
    assert Attachment.objects.filter(id=sent["id"]).exists()


def test_dora_uploads_to_a_conversation_that_is_hers(alice: Customer) -> None:
    dora, client = staff("dora", "view_conversation", "change_conversation")
    url = reverse("admin:attach", args=[alice.conversation.id])
    file = SimpleUploadedFile("offer.pdf", PDF)
    answer = client.post(url, {"file": file})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Take this conversation over first."
    agents.take_over(alice.conversation, dora)
    file.seek(0)
    answer = client.post(url, {"file": file})
    assert answer.status_code == 201
    assert client.get(answer.json()["url"]).content == PDF
    assert Attachment.objects.get().agent == dora
    assert client.post(url, {"file": SimpleUploadedFile("x.png", HTML)}).status_code == 415
    assert client.post(url).status_code == 400
    assert client.get(url).status_code == 405


def test_fred_charlie_and_strangers_upload_nothing(alice: Customer) -> None:
    url = reverse("admin:attach", args=[alice.conversation.id])
    for name, rights in {"fred": ["view_conversation"], "charlie": []}.items():
        _, client = staff(name, *rights)
        assert client.post(url, {"file": SimpleUploadedFile("x.pdf", PDF)}).status_code == 403
    assert Client().post(url).status_code == 302
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_superuser("root"))
    assert careful.post(url, {"file": SimpleUploadedFile("x.pdf", PDF)}).status_code == 403
    assert not Attachment.objects.exists()


# --- reading


def test_a_link_opens_one_file_for_an_hour(alice: Customer) -> None:
    found, other = alice.sent(), alice.sent()
    assert Client().get(found["url"]).status_code == 200
    key = found["url"].partition("?")[2]
    for url in (address(found), f"{address(other)}?{key}", f"{found['url']}x"):
        assert Client().get(url).status_code == 404
    assert Client().get(f"{reverse('attachment', args=[uuid4()])}?{key}").status_code == 404
    with mock.patch("time.time", return_value=timezone.now().timestamp() + 3700):
        assert Client().get(found["url"]).status_code == 404


def test_alice_asks_for_a_fresh_link_and_bob_gets_none(alice: Customer, bob: Customer) -> None:
    found = alice.sent()
    one = reverse("one-attachment", args=[found["id"]])
    fresh = alice.client.get(one, headers=alice.headers).json()
    assert Client().get(fresh["url"]).status_code == 200
    assert bob.client.get(one, headers=bob.headers).status_code == 404
    assert bob.client.get(address(found), headers=bob.headers).status_code == 404
    assert Client().get(one).status_code == 401


def test_dora_reads_what_was_sent_and_charlie_nothing(alice: Customer) -> None:
    sent, unsent = alice.sent(), alice.upload().json()
    _, dora = staff("dora", "view_conversation")
    _, charlie = staff("charlie", "change_conversation")
    assert dora.get(address(sent)).status_code == 200
    assert dora.get(address(unsent)).status_code == 404
    assert charlie.get(address(sent)).status_code == 404
    assert Client().get(address(sent)).status_code == 404
    User.objects.filter(username="dora").update(is_staff=False)
    assert dora.get(address(sent)).status_code == 404


def test_reading_a_file_is_reading_the_conversation(alice: Customer) -> None:
    sent = alice.sent()
    dora, client = staff("dora", "view_conversation")
    with mock.patch("chatbot.people.audit.read") as read:
        client.get(address(sent))
    read.assert_called_once_with(alice.conversation, dora)


def test_without_her_second_factor_dora_reads_nothing(alice: Customer, settings: Any) -> None:
    sent = alice.sent()
    _, dora = staff("dora", "view_conversation")
    settings.TWO_FACTOR_REQUIRED = True
    assert dora.get(address(sent)).status_code == 404


def test_alice_sees_what_dora_sent_and_not_what_she_may_send(alice: Customer) -> None:
    dora, _ = staff("dora")
    agents.take_over(alice.conversation, dora)
    kept = store.keep(alice.conversation, "offer.pdf", PDF, dora)
    one = reverse("one-attachment", args=[kept.id])
    assert alice.client.get(one, headers=alice.headers).status_code == 404
    assert alice.client.delete(one, headers=alice.headers).status_code == 404
    agents.say(alice.conversation, dora, "1", "", [str(kept.id)])
    assert alice.client.get(one, headers=alice.headers).status_code == 200


@pytest.mark.parametrize(
    ("name", "data", "disposition"),
    [
        ("boots.png", image("PNG"), 'inline; filename="boots.png"'),
        ("scan.pdf", PDF + HTML, 'attachment; filename="scan.pdf"'),
        ("a<b>.jpg", image("JPEG") + HTML, 'inline; filename="a_b_.jpg"'),
        ("größe.gif", image("GIF"), "inline; filename*=utf-8''gr%C3%B6%C3%9Fe.gif"),
    ],
)
def test_a_file_is_served_as_what_it_is_and_in_a_box(
    alice: Customer, name: str, data: bytes, disposition: str
) -> None:
    answer = alice.client.get(alice.sent(name, data)["url"])
    assert answer["Content-Type"] == Attachment.objects.get().type
    assert answer["Content-Disposition"] == disposition
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"].startswith("private")
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert HTML not in answer.content


def test_what_lies_there_is_never_served_as_a_page(alice: Customer) -> None:
    """Even if one of our checks had let it in."""
    sent = Attachment(id=uuid4(), name="x.png", type="image/png")
    answer = views.served(sent, HTML)
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_gone_is_not_found(alice: Customer) -> None:
    sent = alice.sent()
    file = Attachment.objects.get().file
    file.storage.delete(file.name)
    assert Client().get(sent["url"]).status_code == 404


def test_only_reading_is_offered(alice: Customer) -> None:
    request = RequestFactory().post("/")
    assert views.attachment(request, uuid4()).status_code == 405


def test_pages_take_pictures_from_here_only(alice: Customer, settings: Any) -> None:
    policy = Client().get("/widget/shop/")["Content-Security-Policy"]
    assert "img-src 'self' data:;" in f"{policy};"


def test_the_admins_transcript_shows_them(alice: Customer) -> None:
    picture, paper = alice.sent("<img src=x>.png"), alice.sent("scan.pdf", PDF)
    _, dora = staff("dora", "view_conversation")
    page = dora.get(reverse("admin:chatbot_conversation_change", args=[alice.conversation.id]))
    text = page.content.decode()
    assert f'src="{address(picture)}" alt="Image: _img src=x_.png"' in text
    assert f'href="{address(paper)}"' in text
    listed = dora.get(reverse("admin:chatbot_conversation_changelist")).content.decode()
    assert "scan.pdf" in listed


def test_an_old_conversations_files_are_not_for_the_next_one(alice: Customer) -> None:
    found = alice.upload().json()
    customers.close(alice.conversation)
    Conversation.objects.update(closed_at=timezone.now() - timedelta(hours=1))
    new = customers.conversation_of(alice.visitor)
    with pytest.raises(Exception, match="attach it again"):
        customers.receive(new, "m1", "", attachments=[found["id"]])
