"""Is the child process that reads pages: what a hostile page can do to a parser, it does there.

python -m crm.websites.child 7    # the number of its end of the pipe
"""

import json
import os
import resource
import sys
from multiprocessing.connection import Connection

from inference import programs

# Bytes of address space. Pages of 5 MB took 650 MB (2026-11-29).
MEMORY = 1_500_000_000


def main(pipe: Connection) -> None:
    """Answer each page: a line of JSON with the arguments, then the body."""
    programs.end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # Chats come first.
    from crm.websites import pages

    while True:
        try:
            head, _, body = pipe.recv_bytes().partition(b"\n")
        except EOFError:
            return
        try:
            answer = pages.page(body, **json.loads(head))
        except Exception as error:
            answer = {"error": repr(error)}
        pipe.send_bytes(json.dumps(answer).encode())


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
