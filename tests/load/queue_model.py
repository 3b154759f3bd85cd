"""Predicts how near Attune comes to its engine's own speed, by a closed queue of customers.

Each customer thinks, then waits for a process of Attune, then waits for the engine, whose speed
grows with the customers that it serves at a time. `python -m tests.load.queue_model` prints the
shares on an H200 for several costs of a turn and numbers of processes.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from inference.evaluation.markdown import table

# vLLM 0.26 asked directly, 0.5B model: tokens/s by customers at a time. Machine B, 2026-11-26.
H200 = {1: 326.0, 8: 1023.0, 16: 1362.0, 32: 2138.0}


def turns_per_second(
    customers: int,
    cpu: float,
    processes: int,
    think: float,
    engine: Callable[[int], float],
) -> float:
    """Return the throughput of a closed queue, as exact mean value analysis does.

    cpu: seconds of a process for each turn. think: seconds of a turn in which neither computes.
    engine: returns the turns a second that it answers for a number of customers at a time.
    """
    thinking = [1.0, *accumulate((think / n for n in counted(customers)), product)]
    at_cpu = [1.0, *accumulate((cpu / min(n, processes) for n in counted(customers)), product)]
    at_engine = [1.0, *accumulate((1 / engine(n) for n in counted(customers)), product)]
    ways = convolved(convolved(thinking, at_cpu), at_engine)
    return ways[customers - 1] / ways[customers]


def counted(customers: int) -> range:
    return range(1, customers + 1)


def product(one: float, other: float) -> float:
    return one * other


def convolved(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return, for each number of customers, the weight of all their splits over two stations."""
    return [sum(one[k] * other[n - k] for k in range(n + 1)) for n in range(len(one))]


def between(rates: Mapping[int, float]) -> Callable[[int], float]:
    """Return the rate for any number of customers: on a line between those measured."""

    def rate(customers: int) -> float:
        below = max((n for n in rates if n <= customers), default=min(rates))
        above = min((n for n in rates if n >= customers), default=max(rates))
        share = (customers - below) / (above - below) if above > below else 0.0
        return rates[below] + share * (rates[above] - rates[below])

    return rate


def shares(
    rates: Mapping[int, float], tokens: float, cpu: float, processes: int, think: float = 0.0
) -> dict[int, float]:
    """Return the share of the engine's own tokens/s that customers get through Attune.

    rates: tokens/s by customers at a time, asked directly. tokens: the length of an answer.
    """
    rate = between(rates)
    return {
        n: turns_per_second(n, cpu, processes, think, lambda k: rate(k) / tokens)
        * tokens
        / rates[n]
        for n in rates
    }


def predicted(tokens: Sequence[float], cpus: Sequence[float], processes: Sequence[int]) -> str:
    """Return a table of predicted shares. cpus: milliseconds a turn."""
    rows = [
        [f"{length:.0f}", f"{cpu:g}", str(number), *(f"{share:.2f}" for share in found.values())]
        for length in tokens
        for cpu in cpus
        for number in processes
        for found in [shares(H200, length, cpu / 1000, number)]
    ]
    return table(["tokens", "CPU, ms a turn", "processes", *map(str, H200)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=float, nargs="*", default=[12, 40, 100])
    parser.add_argument("--cpu", type=float, nargs="*", default=[62, 15, 8], help="ms a turn")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 4])
    options = parser.parse_args()
    print(predicted(options.tokens, options.cpu, options.processes))


if __name__ == "__main__":
    main()
