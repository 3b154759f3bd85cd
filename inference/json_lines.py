"""Reads JSON lines: one value a line."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file that may be gzipped (.gz)."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        yield from file


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file; empty lines are skipped. Raises ValueError at a broken line."""
    return (json.loads(line) for line in lines(path) if line.strip())


def value(line: str | bytes, loads: Callable[[str | bytes], Any] = json.loads) -> Any:
    """Return the value of a line that anybody may have written.

    The ValueError of a broken line says what is wrong with it: "is not JSON: …".
    """
    try:
        return loads(line)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except ValueError as error:  # A number of 5,000 digits is JSON, and no number of Python's.
        raise ValueError(f"is not JSON: {error}") from None
