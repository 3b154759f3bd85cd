"""The metrics at /metrics: counts and times, never a text, a name or an id.

Metrics of language models have the names of OpenTelemetry's GenAI conventions, in Prometheus'
spelling. Processes that share a port also share PROMETHEUS_MULTIPROC_DIR, and each of them answers
for all.
"""

import os
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from inference.generation.meter import Meter

# Seconds, as in the GenAI conventions.
DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4.0**power for power in range(8))
CALL = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "attune"}
LABELS = [*CALL, "gen_ai_request_model", "attune_tier"]

MESSAGES = Counter("attune_messages", "Customers' messages stored, by sentiment.", ["sentiment"])
REPLIES = Counter("attune_replies", "Finished replies, by outcome.", ["state", "tier"])
WITHHELD = Counter("attune_withheld_sentences", "Model sentences that no customer saw.")
ESCALATED = Counter("attune_escalations", "Replies that a larger tier repeated.")
FIRST_SENTENCE = Histogram(
    "attune_first_sentence_seconds", "Time until the first sentence is shown.", buckets=DURATIONS
)
SOCKETS = Gauge("attune_sockets", "Open sockets of visitors.", multiprocess_mode="livesum")
SERVERS_WELL = Gauge(
    "attune_model_server_well",
    "1 if the model server answered its last health check.",
    ["attune_tier", "server"],
    multiprocess_mode="livemin",
)
DURATION = Histogram(
    "gen_ai_client_operation_duration_seconds", "Requests to a model.", LABELS, buckets=DURATIONS
)
FIRST_CHUNK = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time until a model's first token.",
    LABELS,
    buckets=DURATIONS,
)
USAGE = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of a request.",
    [*LABELS, "gen_ai_token_type"],
    buckets=TOKENS,
)


ENERGY = Counter(
    "attune_energy_joules", "Energy by the device's own counter, if it has one.", ["tier"]
)
IDLE_ENERGY = Gauge("attune_idle_energy_joules", "Energy spent while no request was in flight.")


def exposition() -> tuple[bytes, str]:
    """Return the page and its content type."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_the_dead() -> None:
    """Drop the gauges of processes that were killed: their sockets are no longer open."""
    for path in Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "/nowhere")).glob("gauge_live*.db"):
        process = path.stem.rpartition("_")[2]
        if not Path(f"/proc/{process}").exists():
            multiprocess.mark_process_dead(int(process))


def watch_energy(meter: Meter) -> None:
    if meter.counts:
        IDLE_ENERGY.set_function(lambda: meter.idle)


def received(sentiment: str) -> None:
    MESSAGES.labels(sentiment).inc()


def answered(
    state: str, generations: list[dict[str, Any]], withheld: int, first_sentence: float | None
) -> None:
    """Count a reply that was posted."""
    tier = generations[-1]["tier"] if generations else "none"
    REPLIES.labels(state, tier).inc()
    WITHHELD.inc(withheld)
    ESCALATED.inc(len(generations) > 1)
    if first_sentence is not None:
        FIRST_SENTENCE.observe(first_sentence)
    for generation in generations:
        generated(generation)


def generated(generation: dict[str, Any]) -> None:
    labels = CALL | {
        "gen_ai_request_model": generation["model"],
        "attune_tier": generation["tier"],
    }
    DURATION.labels(**labels).observe(generation["seconds"])
    if (first := generation["first_token"]) is not None:
        FIRST_CHUNK.labels(**labels).observe(first)
    if generation["joules"] is not None:
        ENERGY.labels(generation["tier"]).inc(generation["joules"])
    for name, key in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        if generation[key]:
            USAGE.labels(**labels, gen_ai_token_type=name).observe(generation[key])
