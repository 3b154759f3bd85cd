"""The tests' own guard: without it a forgotten download would pass unseen."""

import socket

import pytest

from tests.conftest import NetworkUsed


def test_no_test_reaches_another_machine() -> None:
    with socket.socket() as door, pytest.raises(NetworkUsed):
        door.connect(("192.0.2.1", 80))


def test_no_test_asks_for_the_address_of_another_machine() -> None:
    with pytest.raises(NetworkUsed):
        socket.getaddrinfo("example.com", 80)


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
