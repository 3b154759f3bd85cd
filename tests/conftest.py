"""For all tests: no network but this machine's own loopback and Unix sockets."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import settings
from pytest_django import DjangoDbBlocker

# How many cases hypothesis makes of each property in every run. Each run makes others, and keeps
# what fails in .hypothesis; `pytest --hypothesis-profile thorough` looks longer.
settings.register_profile("quick", max_examples=12, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("quick")

NAMES_OF_THIS_MACHINE = {"", "localhost", None}


class NetworkUsed(AssertionError):
    """A test, or what it tests, wanted to leave this machine."""


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, checked(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", looked_up(socket.getaddrinfo))
        patch.setattr(ssl.SSLContext, "load_default_certs", named_only(ssl.SSLContext))
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_use_migrations: bool, django_db_blocker: DjangoDbBlocker
) -> None:
    """With `--nomigrations`, the tables are made as the models say, and all migrations count as
    applied. That they lead to the same tables is shown by the suites that run them."""
    if django_db_use_migrations:
        return
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    settings.MIGRATION_MODULES = {}
    with django_db_blocker.unblock():
        for app, name in MigrationLoader(connection).graph.nodes:
            MigrationRecorder(connection).record_applied(app, name)


@pytest.fixture(autouse=True)
def nothing_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that nobody waits for is done by the tests that are about it."""
    from crm.plumbing import background

    monkeypatch.setattr(background.pool, "submit", lambda *_: None)
    monkeypatch.setattr(background.slow, "submit", lambda *_: None)
    monkeypatch.setattr(background, "_arm", lambda task: None)


@pytest.fixture(autouse=True)
def the_same_models_on_each_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the live tests need the large reranker."""
    if not request.node.get_closest_marker("live"):
        monkeypatch.setattr("chatbot.engines.reader.large_reranker", lambda: None)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test's transaction wrote is gone after it; tests that are about memory keep it."""
    from crm.plumbing import memory

    monkeypatch.setattr(memory, "KEPT_FOR", 0.0)


def checked(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connect_here(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not is_here(address[0]):
            raise NetworkUsed(f"A test connects to {address!r}.")
        return connect(self, address)

    return connect_here


def looked_up(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if address_of(host) is None and host not in NAMES_OF_THIS_MACHINE:
            raise NetworkUsed(f"A test looks up {host!r}.")
        return getaddrinfo(host, *arguments, **options)

    return look_up


def named_only(context: type[ssl.SSLContext]) -> Callable[..., None]:
    """Those that a test names: to read all of the machine's takes each client 25 ms."""
    load, before = context.load_default_certs, os.environ.get("SSL_CERT_FILE")

    def load_named(self: ssl.SSLContext, *purpose: Any) -> None:
        if os.environ.get("SSL_CERT_FILE") != before:
            load(self, *purpose)

    return load_named


def is_here(host: Any) -> bool:
    address = address_of(host)
    if address is None:
        return host in NAMES_OF_THIS_MACHINE
    return address.is_loopback or address.is_unspecified


def address_of(host: Any) -> IPv4Address | IPv6Address | None:
    """None for a name, which only a server elsewhere could resolve."""
    try:
        return ip_address(host)
    except ValueError:
        return None
