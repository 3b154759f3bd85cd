"""Rules that tell which hosts are inside the private network."""

import socket
from ipaddress import ip_address

from crm.plumbing.destinations import within

# Endings of names that only a private network resolves, such as Kubernetes' and Docker's.
PRIVATE_NAMES = ("localhost", ".local", ".internal", ".lan", ".svc", ".home.arpa")


def is_private(host: str) -> bool:
    """Treat a name without a dot as the private network's own, and look up other names."""
    try:
        return _address_is_private(host)
    except ValueError:
        return "." not in host or host.endswith(PRIVATE_NAMES) or _resolves_privately(host)


def _resolves_privately(host: str) -> bool:
    """Tell whether all addresses are private; a name that does not resolve does no harm."""
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(_address_is_private(str(address[0])) for *_, address in addresses)


def _address_is_private(host: str) -> bool:
    """Judge an IPv6 address that stands for an IPv4 address by the latter."""
    address = ip_address(host.partition("%")[0])
    return not any(inner.is_global for inner in within(address) or [address])
