"""A network of namespaces on one machine: each host reaches the others by name, and nobody else.

A bridge in a namespace of its own connects them. Each host's default route leads to it and no
further, so whatever one tries to reach outside is seen there, as is who talks to whom. Needs root.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from tests.live.conftest import ROOT, await_that

SUBNET = ip_network("10.77.0.0/24")
GATEWAY = "10.77.0.1"
BRIDGE = "bridge"
SWITCH = "switch"


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr} (root is needed)"


@dataclass
class Network:
    folder: Path
    # host -> further names by which it is known.
    hosts: Mapping[str, Sequence[str]]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def namespace(self, host: str) -> str:
        return f"attune{os.getpid()}-{host}"

    def address(self, host: str) -> str:
        return str(SUBNET[10 + list(self.hosts).index(host)])

    def open(self) -> None:
        switch = self.namespace(SWITCH)
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", BRIDGE, "type", "bridge")
        ip("-n", switch, "addr", "add", f"{GATEWAY}/{SUBNET.prefixlen}", "dev", BRIDGE)
        ip("-n", switch, "link", "set", BRIDGE, "up")
        for host in self.hosts:
            self._name(host)
            self._plug(host)
        self.start(SWITCH, [sys.executable, "-m", __name__, self.folder / "seen.json"])

    def _plug(self, host: str) -> None:
        own, switch, cable = self.namespace(host), self.namespace(SWITCH), f"to-{host}"
        ip("netns", "add", own)
        peer = ["peer", "name", "eth0", "netns", own]
        ip("link", "add", cable, "netns", switch, "type", "veth", *peer)
        ip("-n", switch, "link", "set", cable, "master", BRIDGE, "up")
        ip("-n", own, "link", "set", "lo", "up")
        ip("-n", own, "addr", "add", f"{self.address(host)}/{SUBNET.prefixlen}", "dev", "eth0")
        ip("-n", own, "link", "set", "eth0", "up")
        ip("-n", own, "route", "add", "default", "via", GATEWAY)

    def _name(self, host: str) -> None:
        """`ip netns exec` lays these files over /etc."""
        etc = Path("/etc/netns") / self.namespace(host)
        etc.mkdir(parents=True)
        lines = [f"{self.address(one)} {one} {' '.join(more)}" for one, more in self.hosts.items()]
        (etc / "hosts").write_text("\n".join(["127.0.0.1 localhost", *lines]) + "\n")
        # Nobody answers there: whoever asks for a name outside is seen asking.
        (etc / "resolv.conf").write_text(f"nameserver {GATEWAY}\n")

    def command(self, host: str, words: Sequence[object]) -> list[str]:
        """On the host, under the host's own name."""
        inside = ["ip", "netns", "exec", self.namespace(host), "unshare", "--uts"]
        return [*inside, "sh", "-c", 'hostname "$0" && exec "$@"', host, *map(str, words)]

    def run(
        self, host: str, words: Sequence[object], env: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Exit status and output."""
        done = subprocess.run(
            self.command(host, words),
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def start(
        self, host: str, words: Sequence[object], env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{host}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(host, words),
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def seen(self) -> dict[tuple[str, str], int]:
        """Packets by (sender, receiver), each a host's name where it is one of them."""
        file = self.folder / "seen.json"
        for _ in range(2):  # The one that is just being written may lack the last packets.
            known = file.stat().st_mtime_ns
            await_that(lambda known=known: file.stat().st_mtime_ns != known)
        names = {self.address(host): host for host in self.hosts}
        found = json.loads(file.read_text())
        return {
            (names.get(sender, sender), names.get(receiver, receiver)): count
            for sender, receiver, count in found
            if sender != GATEWAY  # It says that nobody is there.
        }

    def close(self) -> None:
        for process in reversed(self.processes):
            command = ["kill", "-KILL", "--", f"-{process.pid}"]
            subprocess.run(command, check=False, capture_output=True)
            process.wait()
        for host in [*self.hosts, SWITCH]:
            own = self.namespace(host)
            subprocess.run(["ip", "netns", "del", own], check=False, capture_output=True)
        for host in self.hosts:
            etc = Path("/etc/netns") / self.namespace(host)
            for file in ("hosts", "resolv.conf"):
                (etc / file).unlink(missing_ok=True)
            if etc.exists():
                etc.rmdir()


# Seconds.
WRITTEN_EVERY = 0.5
DNS = 53
# From <linux/if_ether.h> and <linux/if_packet.h>, which Python does not name.
ALL_PROTOCOLS, SOL_PACKET, ADD_MEMBERSHIP, PROMISCUOUS = 3, 263, 1, 1


def watch(file: Path) -> None:
    """Counts the bridge's packets by sender and receiver, for ever; neighbours' talk too."""
    found: dict[tuple[str, str], int] = {}
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(ALL_PROTOCOLS)) as bridge:
        bridge.bind((BRIDGE, ALL_PROTOCOLS))
        member = struct.pack("iHH8s", socket.if_nametoindex(BRIDGE), PROMISCUOUS, 0, b"")
        bridge.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, member)
        bridge.settimeout(WRITTEN_EVERY)
        written = 0.0
        while True:
            try:
                packet, (_, protocol, *_) = bridge.recvfrom(65535)
                for pair in parties(packet, protocol):
                    found[pair] = found.get(pair, 0) + 1
            except TimeoutError:
                pass
            if time.monotonic() - written > WRITTEN_EVERY:
                written = time.monotonic()
                draft = file.with_suffix(".draft")
                draft.write_text(json.dumps([[*pair, count] for pair, count in found.items()]))
                draft.replace(file)


def parties(packet: bytes, protocol: int) -> list[tuple[str, str]]:
    """Sender and receiver; none for what machines of one cable say to all of it."""
    ends = {0x0800: (12, 16, 20), 0x86DD: (8, 24, 40)}.get(protocol)
    if not ends:
        return []
    start, middle, end = ends
    sender, receiver = ip_address(packet[start:middle]), ip_address(packet[middle:end])
    if receiver.is_multicast or receiver.is_link_local:
        return []
    return [(str(sender), question(packet) or str(receiver))]


def question(packet: bytes) -> str | None:
    """The name that an IPv4 packet asks a name server for."""
    header = 4 * (packet[0] & 15)
    udp, port = packet[9] == 17, int.from_bytes(packet[header + 2 : header + 4])
    if packet[0] >> 4 != 4 or not udp or port != DNS:
        return None
    labels, at = [], header + 8 + 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return f"the name {'.'.join(labels)}"


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
