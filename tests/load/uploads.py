"""Attachments that visitors send: `python -m tests.load.uploads COUNT RATE INBOX`.

Each is stored, named by a message and committed; then its name and its SHA-256 are printed.
"""

import hashlib
import os
import sys
import time
import zlib

import django

HEAD = b"\x89PNG\r\n\x1a\n"


def picture(number: int) -> bytes:
    """A PNG of one pixel, each another file."""
    parts = [b"IHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0", b"IDAT" + zlib.compress(bytes([0, number % 256]))]
    parts += [b"IDAT" + number.to_bytes(4), b"IEND"]
    return HEAD + b"".join(
        (len(one) - 4).to_bytes(4) + one + zlib.crc32(one).to_bytes(4) for one in parts
    )


def send(most: int, rate: float, inbox: str) -> None:
    from django.db import transaction

    from chatbot.attachments import store
    from chatbot.conversation import changes
    from tests.load.writer import opened

    conversation = opened(inbox)[0]
    for number in range(most):
        time.sleep(1 / rate)
        with transaction.atomic():
            found = changes.locked(conversation)
            kept = store.keep(found, f"{number}.png", picture(number))
            changes.append(found, "system", "", [kept])
        digest = hashlib.sha256(picture(number)).hexdigest()
        print(kept.file.name, digest, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    django.setup()
    send(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
