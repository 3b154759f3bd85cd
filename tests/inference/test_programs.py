"""A free port is one that nobody holds, and that no outgoing connection is given meanwhile."""

import secrets
import socket
import sys
from pathlib import Path

import pytest

from inference import programs


def test_a_program_can_listen_on_a_free_port() -> None:
    with socket.create_server((programs.LOOPBACK, programs.free_port())):
        pass


def test_a_port_that_somebody_holds_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    held = programs.free_port()
    candidates = iter([held, held, programs.free_port()])
    monkeypatch.setattr(secrets, "choice", lambda ports: next(candidates))
    with socket.create_server((programs.LOOPBACK, held)):
        assert programs.free_port() != held


@pytest.mark.skipif(sys.platform != "linux", reason="the range is Linux's")
def test_no_outgoing_connection_takes_a_free_port_before_its_server_has_started() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    if int(given[0]) < 32_768:
        pytest.skip("outgoing connections have lower ports here than by default")
    assert max(programs.PORTS) < int(given[0])
