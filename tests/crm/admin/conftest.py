"""root may everything; alice sees webhooks, charlie does not."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.chatbot.admin.console import staff


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def alice() -> Client:
    return staff(Client(), "alice", "view_source", "view_endpoint", "view_delivery", "view_attempt")


@pytest.fixture
def charlie() -> Client:
    return staff(Client(), "charlie", "view_record")
