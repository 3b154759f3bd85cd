"""The console's inbox, and root, who may everything."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chatbot.models import Inbox


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Fernhill")


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client
