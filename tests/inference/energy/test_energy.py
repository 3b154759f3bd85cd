"""Joules of the device fall to the requests that they were spent on, and none gets lost."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import IsolatedAsyncioTestCase, mock

from inference.energy import counters, server
from inference.energy.counters import Packages, used
from inference.generation.client import Usage
from inference.generation.meter import Meter, Reading, reader_of


def meter_of(*readings: Reading | None) -> Meter:
    left: Iterator[Reading | None] = iter(readings)

    async def read() -> Reading | None:
        return next(left)

    return Meter(read, counts=True)


def counter(*joules: float | None) -> Meter:
    return meter_of(*(None if one is None else Reading(one) for one in joules))


class MeterTests(IsolatedAsyncioTestCase):
    async def test_requests_share_by_tokens_and_the_sum_is_the_counters(self) -> None:
        meter = counter(100, 110, 130, 145, 160)
        alice, bob = Usage(), Usage()
        async with meter.request(alice) as hers:
            await asyncio.sleep(0)  # at 100. What was spent before is nobody's.
            async with meter.request(bob) as his:
                await asyncio.sleep(0)  # Hers alone to 110.
                hers.tokens, his.tokens = 3, 1
                await meter.settle()  # to 130: 15 and 5
            # To 145 evenly, as no token came; to 160 hers.
        assert (alice.joules, bob.joules) == (10 + 15 + 7.5 + 15, 5 + 7.5)
        assert meter.idle == 0
        assert alice.joules + bob.joules == 160 - 100

    async def test_what_is_spent_while_nobody_asks_is_idle(self) -> None:
        meter = counter(100, 105, 107)
        await meter.settle()
        async with meter.request(usage := Usage()):
            await asyncio.sleep(0)
        assert (meter.idle, usage.joules) == (5, 2)

    async def test_without_a_counter_nothing_is_said(self) -> None:
        meter = counter(None, None)
        async with meter.request(usage := Usage()):
            await asyncio.sleep(0)
        assert usage.joules is None
        assert not meter.counts

    async def test_processes_that_ask_one_machine_divide_its_joules(self) -> None:
        """Alice asks by one process, bob by another; the machine counts the tokens of both."""
        begin, end = Reading(100, 1000), Reading(180, 1040)
        one, other = meter_of(begin, end), meter_of(begin, end)
        alice, bob = Usage(), Usage()
        async with one.request(alice) as hers, other.request(bob) as his:
            await asyncio.sleep(0)
            hers.tokens, his.tokens = 30, 10
        assert (alice.joules, bob.joules) == (60, 20)

    async def test_reading_a_prompt_is_paid_by_who_is_written_to(self) -> None:
        meter = meter_of(Reading(100, 7), Reading(150, 7), Reading(160, 12))
        async with meter.request(usage := Usage()) as share:
            await asyncio.sleep(0)
            await meter.settle()
            assert usage.joules is None
            share.tokens = 5
        assert usage.joules == 60


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'vllm:generation_tokens_total{model_name="slm"} 120.0\n')


def test_a_machine_says_what_it_has_spent_and_written() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as vllm:
        threading.Thread(target=vllm.serve_forever, args=[0.01], daemon=True).start()
        page = f"http://127.0.0.1:{vllm.server_port}/metrics"
        handler = type("Of", (server.Handler,), {"pages": [page]})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as beside:
            threading.Thread(target=beside.serve_forever, args=[0.01], daemon=True).start()
            url = f"http://127.0.0.1:{beside.server_port}/energy"
            with mock.patch.object(counters, "joules", return_value=81.5):
                told = json.loads(urllib.request.urlopen(url).read())
                assert told == {"joules": 81.5, "tokens": 120}
                assert asyncio.run(reader_of(url)()) == Reading(81.5, 120)
            with mock.patch.object(counters, "joules", return_value=None):
                assert asyncio.run(reader_of(url)()) is None
            beside.shutdown()
        vllm.shutdown()


def test_a_counter_that_starts_again_measures_nothing_in_between() -> None:
    assert used(500.0, 3.0) is None


def test_all_packages_count_and_may_go_round(tmp_path: Path) -> None:
    zones = [tmp_path / f"intel-rapl:{number}" for number in (0, 1)]
    for zone in zones:
        zone.mkdir()
        (zone / "max_energy_range_uj").write_text("10000000\n")

    def stand(*microjoules: int) -> None:
        for zone, value in zip(zones, microjoules, strict=True):
            (zone / "energy_uj").write_text(f"{value}\n")

    packages = Packages(zones)
    stand(1_000_000, 9_000_000)
    assert packages() == 0
    stand(3_000_000, 500_000)
    assert packages() == 2 + 1.5
