"""The pages of endpoints and deliveries: health, each request and answer, sending again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import signing
from crm.admin import health, many
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import outbox
from tests.chatbot.admin.console import SCRIPT, text_of

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9000/hook"
LIST = "/admin/crm/endpoint/"


@pytest.fixture(autouse=True)
def listed(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED = ["127.0.0.1:9000"]
    outbox.forget()


def endpoint(**values: Any) -> Endpoint:
    return Endpoint.objects.create(url=URL, secrets=signing.rotated([]), **values)


def sent(of: Endpoint, *statuses: int | None, seconds: float = 0.02, **values: Any) -> Delivery:
    made = outbox.send_test(of)
    done = {"tries": len(statuses), "state": "done" if statuses else "pending"}
    Delivery.objects.filter(id=made.id).update(**done | values)
    for status in statuses:
        Attempt.objects.create(
            delivery=made, status=status, seconds=seconds, error="" if status else "No answer"
        )
    return Delivery.objects.get(id=made.id)


def action(name: str, row: Any) -> str:
    return reverse(f"admin:crm_{name}", args=[row.pk])


# --- health


def test_health_counts_each_attempt_once() -> None:
    one, other = endpoint(), endpoint()
    sent(one, 503, None, 200)
    sent(one, 200)
    sent(one)
    sent(other, 500)
    found = health.of_endpoint(one)
    assert (found.count, found.well, found.share) == (4, 2, "50.0% of 4")
    newest = Attempt.objects.filter(delivery__endpoint=one, status=200).latest("id")
    assert found.last == newest.at
    assert health.of_endpoint(endpoint()) == health.Health()


def test_health_looks_at_the_newest_events_only(monkeypatch: pytest.MonkeyPatch) -> None:
    one = endpoint()
    sent(one, 500)
    for _ in range(3):
        sent(one, 200)
    monkeypatch.setattr(health, "NEWEST", 3)
    assert health.of_endpoint(one).share == "100.0% of 3"


def test_95_of_100_were_as_quick() -> None:
    assert health.p95([n / 1000 for n in range(100)]) == 0.094
    assert health.p95([]) is None


def test_the_list_shows_health_in_few_queries(
    root: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        sent(endpoint(), 200, seconds=0.25)
    endpoint(active=False, trouble="It answered 410")
    with django_assert_max_num_queries(11 + 4 * 3):
        html = text_of(root, LIST)
    for words in ("100.0% of 1", "250 ms", "off: It answered 410", "nothing sent"):
        assert words in html


# --- what can be done


def test_a_secret_is_shown_once_and_changed_with_an_overlap(root: Client) -> None:
    page = root.post(
        f"{LIST}add/", {"url": URL, "active": "on", "inboxes": "shop, help,shop"}, follow=True
    )
    made = Endpoint.objects.get()
    assert made.inboxes == ["shop", "help"]
    secret = made.secrets[0]["secret"]
    assert secret in page.content.decode()
    assert secret not in text_of(root, f"{LIST}{made.id}/change/")
    root.get(action("endpoint_rotate", made))
    assert len(Endpoint.objects.get().secrets) == 1, "a link alone changes nothing"
    page = root.post(action("endpoint_rotate", made), follow=True)
    made.refresh_from_db()
    assert made.secrets[0]["secret"] in page.content.decode()
    assert signing.current(made.secrets)[1] == secret


def test_endpoints_are_paused_and_go_on(root: Client) -> None:
    one = endpoint(trouble="It answered 410", failing_since=timezone.now())
    for name, active, trouble in (("pause", False, "It answered 410"), ("go_on", True, "")):
        root.post(LIST, {"action": name, "_selected_action": [one.id]})
        one.refresh_from_db()
        assert (one.active, one.trouble) == (active, trouble)


def test_events_of_a_time_are_sent_again(root: Client) -> None:
    one, other = endpoint(), endpoint()
    now = timezone.now()
    failed = sent(one, 500, state="failed")
    well, theirs = sent(one, 200), sent(other, 500, state="failed")
    old = sent(one, 500, state="failed", created_at=now - timedelta(days=3))
    form = {"since": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"), "state": "failed"}
    page = root.post(action("endpoint_again", one), form, follow=True)
    assert "1 event will be sent again" in page.content.decode()
    states = {row.id: row.state for row in Delivery.objects.all()}
    assert states == {failed.id: "pending", well.id: "done", theirs.id: "failed", old.id: "failed"}
    assert "required" in root.post(action("endpoint_again", one), {}).content.decode()


def test_an_endpoint_goes_with_its_deliveries(root: Client) -> None:
    one = endpoint()
    sent(one, 200)
    root.post(f"{LIST}{one.id}/delete/", {"post": "yes"})
    assert not Attempt.objects.exists()


# --- deliveries


def test_each_attempt_shows_its_request_and_the_answer_as_text(root: Client) -> None:
    one = sent(endpoint(), 200)
    headers = {"webhook-id": one.event_id, "webhook-signature": "v1,abc", "Host": SCRIPT}
    Attempt.objects.update(request=headers, answer=SCRIPT)
    html = text_of(root, f"/admin/crm/delivery/{one.id}/change/")
    for words in (f"POST {URL}", "webhook-signature: v1,abc", "A test from Attune", "20 ms"):
        assert words in html
    assert SCRIPT not in html
    assert html.count("&lt;script&gt;alert(1)") == 2


def test_one_is_sent_again_from_its_page(root: Client, alice: Client) -> None:
    one = sent(endpoint(), 500, state="failed")
    url = action("delivery_send_this_again", one)
    alice.post(url)
    one.refresh_from_db()
    assert one.state == "failed", "alice may look only"
    root.post(url)
    one.refresh_from_db()
    assert one.state == "pending"


def test_a_test_event_is_sent_and_its_delivery_shown(root: Client) -> None:
    one = endpoint()
    url = action("endpoint_test", one)
    assert "Send a test event" in text_of(root, url)
    assert not Delivery.objects.exists()
    page = root.post(url, follow=True)
    assert Delivery.objects.get().event_id in page.content.decode()


def test_the_list_is_filtered_and_counts_no_further_than_it_must(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = endpoint()
    for _ in range(4):
        sent(one, 200)
    lost = sent(one, 500, state="failed")
    monkeypatch.setattr(many, "COUNTED", 3)
    assert many.ShortPaginator(Delivery.objects.all(), 100).count == 3
    url = "/admin/crm/delivery/"
    assert lost.event_id in text_of(root, f"{url}?state__exact=failed&type=endpoint.test")
    Delivery.objects.filter(id=lost.id).update(created_at=timezone.now() - timedelta(hours=2))
    assert lost.event_id not in text_of(root, f"{url}?hours=1")
    assert lost.event_id in text_of(root, f"{url}?hours=24")
    assert lost.event_id in text_of(root, f"{url}?hours=x")


def test_who_may_only_look_changes_nothing(alice: Client, charlie: Client) -> None:
    one = endpoint()
    assert "nothing sent" in text_of(alice, LIST)
    for nobody in (alice, charlie):
        assert nobody.post(action("endpoint_again", one)).status_code == 403
    assert charlie.get(LIST).status_code == 403
