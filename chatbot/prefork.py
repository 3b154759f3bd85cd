"""Runs several web processes that share the memory of what they load.

    python -m chatbot.prefork COUNT ARGUMENT …

One process loads the application and the models, and forks COUNT others, which run uvicorn with
these arguments. It replaces each one that ends, and ends them all when it is told to end.

Only the thread that forks lives on in the child: any other thread could leave behind a lock that
nothing would ever release. So nothing here starts a thread, and `serve` keeps ONNX Runtime,
OpenBLAS, OpenMP and the tokenizers from starting any.
"""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from inference.programs import end_with_parent

logger = logging.getLogger("attune.web")
# Seconds. If a process ends sooner, the next one would, too.
SHORT_LIFE = 5
ENDS = {signal.SIGTERM, signal.SIGINT}


def main(count: int, arguments: Sequence[str]) -> int:
    application = load()
    if threads() > 1:
        logger.warning("%s threads run before the fork; only one lives on in a child", threads())
    gc.collect()
    # The children's garbage collections then leave these objects alone, so their memory stays
    # shared.
    gc.freeze()
    return keep(count, lambda: serve(application, arguments))


def load() -> str:
    """Import the application and load the models. Returns the application's name for uvicorn."""
    import numpy as np

    from chatbot import asgi
    from chatbot.engines import classifier, reader, wishes
    from crm.knowledge import indexing

    # Each model is used once, so that whatever it makes at its first use is made before the fork.
    text, none = "Where is order 1?", np.zeros(1, np.float32)
    indexing.encoder().encode([text])
    reader.line_reader().scores(text, [f"Order 1\n{text}"])
    reader.reranker().rank(text, [("Order 1", text)], none, none)
    if large := reader.large_reranker():
        large.scores(text, [("Order 1", text)], "")
    reader.heads()
    classifier.sentiment_classifier().score([text])
    wishes.matcher().scores(text, [("Return items",)])
    return f"{asgi.__name__}:application"


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def serve(application: str, arguments: Sequence[str]) -> None:
    import uvicorn

    uvicorn.main([application, *arguments])


def keep(count: int, run: Callable[[], None]) -> int:
    """Keep this number of children running until this process is told to end. Returns its exit
    status: 1 if a child ended too soon."""
    born: dict[int, float] = {}
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True
        for child in born:
            with suppress(ProcessLookupError):  # It has just been waited for.
                os.kill(child, signal.SIGTERM)

    for number in ENDS:
        signal.signal(number, end)
    while born or not ending:
        # A signal that comes during a fork waits until the new child is known.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        while len(born) < count and not ending:
            born[forked(run)] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        child, status = os.wait()
        age = time.monotonic() - born.pop(child)
        if not ending:
            logger.error("web process %s ended by itself (status %s)", child, status)
        if not ending and age < SHORT_LIFE:
            return 1  # The others end with this process.
    return 0


def forked(run: Callable[[], None]) -> int:
    """Fork a child that runs and exits. Returns its id to the parent."""
    parent = os.getpid()
    if child := os.fork():
        return child
    end_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    for number in ENDS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    run()
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
