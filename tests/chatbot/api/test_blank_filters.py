"""A blank that stands where an id is asked for never means everybody."""

from datetime import timedelta

import jwt
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from chatbot.models import Inbox
from chatbot.people import identity
from crm.admin.endpoints import Keys
from crm.models import Endpoint
from tests.chatbot.programs import Program

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.mark.parametrize("blank", ["", "%20", "%E2%80%8B"])
@pytest.mark.parametrize(
    "listed", ["records/?customer", "records/?kind", "conversations/?customer"]
)
def test_a_blank_filter_is_refused_instead_of_listing_everything(listed: str, blank: str) -> None:
    erp = Program("records:read", "conversations:read")
    answer = erp.ask("GET", f"{listed}={blank}")
    assert (answer.status_code, "is blank" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("sub", [" ", "\u200b", "\u00a0", ""])
def test_a_blank_identity_is_nobodys(sub: str) -> None:
    shop = Inbox.objects.create(key="shop", name="Shop")
    claims = {"sub": sub, "aud": "shop", "exp": timezone.now() + timedelta(minutes=5)}
    with pytest.raises(identity.IdentityRefused, match="must be the CRM customer's id"):
        identity.verified_customer(shop, jwt.encode(claims, shop.secret, "HS256"))


def test_inboxes_of_an_endpoint_that_are_all_blank_are_no_choice_of_all() -> None:
    with pytest.raises(ValidationError, match="Name the inboxes"):
        Keys(required=False).clean(" , \u200b,")
    assert Keys(required=False).clean("") == []
    with pytest.raises(CommandError, match="--inbox is blank"):
        call_command("webhooks", "add-endpoint", "http://127.0.0.1:9/", "--inbox", " ")
    assert not Endpoint.objects.exists()
