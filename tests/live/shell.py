"""Programs on a site's data, all in one process: to start one for each would take seconds.

`python -m tests.live.shell` reads JSON lines {"program": …, "given": {…}}, runs each program with
the names that are given, and answers with what it leaves in `result`, as a JSON line.
"""

import json
import os
import sys
import traceback
from typing import Any

import django
from django.db import close_old_connections


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What a program prints is no answer.
    django.setup()
    for line in sys.stdin:
        print(json.dumps(done(**json.loads(line))), file=answers, flush=True)


def done(program: str, given: dict[str, Any]) -> dict[str, Any]:
    names = {"result": None, **given}
    try:
        exec(program, names)
        return {"result": names["result"]}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        close_old_connections()


if __name__ == "__main__":
    main()
