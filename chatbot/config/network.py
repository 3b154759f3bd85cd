"""Which hosts are inside the private network."""

import socket
from ipaddress import ip_address

from crm.outbound.destinations import within

# Ends of names that only a private network resolves, Kubernetes' and Docker's among them.
PRIVATE_NAMES = ("localhost", ".local", ".internal", ".lan", ".svc", ".home.arpa")


def is_private(host: str) -> bool:
    """A name without a dot is the private network's own. Other names are looked up."""
    try:
        return _address_is_private(host)
    except ValueError:
        return "." not in host or host.endswith(PRIVATE_NAMES) or _resolves_privately(host)


def _resolves_privately(host: str) -> bool:
    """Whether all its addresses are private; a name that nobody knows harms nobody."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(_address_is_private(str(address[0])) for *_, address in found)


def _address_is_private(host: str) -> bool:
    """Of an IPv6 address that stands for an IPv4 one, that one."""
    address = ip_address(host.partition("%")[0])
    return not any(one.is_global for one in within(address) or [address])
