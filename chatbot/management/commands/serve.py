"""`manage.py serve` is `make run` after the installation: it starts all of Attune."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connection

from chatbot.operations import processes
from chatbot.operations.checks import CONFIGURATION
from chatbot.operations.parts import PARTS
from chatbot.operations.processes import Child, ServingError
from chatbot.people.demo_logins import LOGINS
from chatbot.reply import prompt
from crm.plumbing import troubles
from inference.models import catalogue

LOOPBACK = "127.0.0.1"
# Megabytes in DATA_DIR that the demo shop, its index and the logs take.
ROOM = 200
# With these variables, loading and using models starts no threads: a fork would lose them.
ONE_THREAD = {
    "MODEL_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# Seconds. From a slow disk the larger model takes about a minute to load.
START_PATIENCE = 300
# Seconds. A model server that somebody else runs may come later: serving does not wait for it.
READY_PATIENCE = 10


class Command(BaseCommand):
    help = "Fetches the models, prepares the data and runs the web and model servers."
    # `serve` runs them itself: no warning about models that it is about to fetch.
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        self.ready = False
        self.children: list[Child] = []
        self.say = unbuffered(self.stdout.write)
        with processes.interrupted_by_signals():
            try:
                self.serve()
            except KeyboardInterrupt:
                self.leave()
            except (ServingError, catalogue.ModelError) as error:
                raise CommandError(str(error)) from None
            except (OSError, DatabaseError) as error:
                raise CommandError(troubles.described(error)) from error
            finally:
                processes.end(self.children)
                # Without children, the file belongs to another `serve`, which holds the port.
                if self.children:
                    settings.SLM_PORT_FILE.unlink(missing_ok=True)

    def leave(self) -> None:
        self.say("\nStopping …" if self.ready else "\nStopped. Run the same command to go on.")
        if not self.ready:
            processes.end(self.children)
            sys.exit(130)

    def serve(self) -> None:
        """Look for obstacles, then fetch and prepare what takes long, then start the children."""
        self.check(tags=[CONFIGURATION, PARTS])
        enough_room()
        web = processes.hold("PORT", settings.HOST, settings.PORT)
        slm_port = self.slm_port()
        connection.ensure_connection()
        model = self.fetch_models()
        if model:
            self.start_model_server(model, slm_port)
            settings.SLM_PORT_FILE.write_text(str(slm_port))
        self.prepare_data()
        self.start_web_servers(web, slm_port)
        if settings.REDIS_URL:
            self.start_celery(slm_port)
        self.wait_for_both(slm_port)
        self.ready = True
        self.greet()
        while True:
            processes.revive(self.children, self.say)
            time.sleep(0.2)

    def slm_port(self) -> int:
        """Return SLM_PORT if it was set, else the next free port."""
        if not settings.SLM_EMBEDDED:
            return int(settings.SLM_PORT)
        if "SLM_PORT" in os.environ:
            processes.hold("SLM_PORT", LOOPBACK, settings.SLM_PORT).close()
            return int(settings.SLM_PORT)
        port = processes.next_free_port(LOOPBACK, settings.SLM_PORT)
        if port != settings.SLM_PORT:
            self.say(f"Port {settings.SLM_PORT} is in use: the model server takes {port}.")
        return port

    def fetch_models(self) -> Path | None:
        """Return the chat model's file; None if SLM_URL names a server that has its own."""
        chat = "chat-small" if settings.ATTUNE_MODEL == "small" else "chat"
        names = ["encoder", *([chat] if settings.SLM_EMBEDDED else [])]
        begun = catalogue.is_begun("large-reranker")
        is_first = not all(map(catalogue.is_here, names))
        self.say(f"Models in {catalogue.models_dir()} …")
        call_command("models", "fetch", *names, stdout=self.stdout, stderr=self.stderr)
        if is_first or begun:
            self.fetch_large_reranker()
        elif not catalogue.is_here("large-reranker"):
            self.say(
                "For better answers, type: manage.py models fetch large-reranker; "
                "then restart Attune."
            )
        return catalogue.located(chat) if settings.SLM_EMBEDDED else None

    def fetch_large_reranker(self) -> None:
        """Fetch the large reranker on the first start, or resume its download. Attune works without
        it, so a failure is only reported."""
        try:
            call_command(
                "models", "fetch", "large-reranker", stdout=self.stdout, stderr=self.stderr
            )
        except (CommandError, OSError) as error:
            self.say(f"{error}\nAttune starts without it.")

    def prepare_data(self) -> None:
        self.say(f"Data in {settings.DATA_DIR} …")
        call_command("migrate", verbosity=0, interactive=False)
        if settings.DEMO:
            call_command("load_demo", stdout=self.stdout)
        call_command("index", "refresh", stdout=self.stdout, stderr=self.stderr)
        # The web servers have connections of their own; from here on this process only waits.
        connection.close()

    def start_model_server(self, model: Path, port: int) -> None:
        options = ["--model", str(model), "--name", settings.SLM_NAME, "--port", str(port)]
        options += ["--threads", str(settings.MODEL_THREADS)]
        options += ["--beginning", json.dumps(prompt.beginning(prompt.messages("", [], [])))]
        self.start(
            "model server",
            ["-m", "inference.generation.local_server", *options],
            "model-server.log",
        )

    def start_web_servers(self, held: socket, slm_port: int) -> None:
        """Start web servers that share the socket that this process holds.

        While one of them restarts, no connection is refused.
        """
        options = ["--fd", str(held.fileno()), "--no-server-header", "--log-level", "warning"]
        # chatbot.asgi reads the proxy's headers itself, and only from TRUSTED_PROXIES.
        options += ["--no-proxy-headers"]
        options += ["--ws", "websockets-sansio", "--ws-max-size", "65536"]
        # Compression takes some hundred kB per socket.
        options += ["--ws-per-message-deflate", "false", "--limit-concurrency", "5000"]
        options += ["--timeout-graceful-shutdown", "5"]
        # Together these set how long a client may be gone before its socket is closed.
        options += ["--ws-ping-interval", "20", "--ws-ping-timeout", "20"]
        env = {"SLM_PORT": str(slm_port), **self.shared_metrics()}
        if settings.WEB_PROCESSES == 1:
            program = ["uvicorn", "chatbot.asgi:application"]
        else:
            program = ["chatbot.prefork", str(settings.WEB_PROCESSES)]
            env |= ONE_THREAD
        arguments = ["-m", *program, *options]
        self.start("web server", arguments, "web-server.log", env, [held.fileno()])

    def shared_metrics(self) -> dict[str, str]:
        """Return the setting that lets several processes count together; each start begins at 0."""
        folder = settings.DATA_DIR / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        if settings.WEB_PROCESSES == 1:
            return {}
        folder.mkdir()
        return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}

    def start_celery(self, slm_port: int) -> None:
        celery = ["-m", "celery", "-A", "chatbot.celery"]
        worker = ["worker", "--concurrency", "1", "--loglevel", "WARNING", "--without-mingle"]
        port = {"SLM_PORT": str(slm_port)}
        self.start("worker", [*celery, *worker], "worker.log", port)
        self.start("beat", [*celery, "beat", "--loglevel", "WARNING"], "beat.log", port)

    def start(
        self,
        name: str,
        arguments: list[str],
        log: str,
        env: dict[str, str] | None = None,
        inherits: Sequence[int] = (),
    ) -> None:
        # glibc keeps what each thread has freed; with few arenas it returns the memory.
        usual = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
        env = {"PYTHONPATH": str(settings.BASE_DIR), **usual, **(env or {})}
        path = settings.DATA_DIR / "logs" / log
        self.children.append(processes.start(name, arguments, env, path, inherits))

    def wait_for_both(self, slm_port: int) -> None:
        if settings.SLM_EMBEDDED:
            self.wait("Model server", partial(processes.problem, LOOPBACK, slm_port, "/health"))
        self.wait("Web server", partial(web_problem, "/livez"))
        ready = partial(web_problem, "/readyz")
        if reason := processes.wait(ready, self.children, READY_PATIENCE, self.tick):
            self.not_ready(reason)

    def not_ready(self, reason: str) -> None:
        """Warn if somebody else's model server is late; with our own, fail."""
        if settings.SLM_EMBEDDED:
            raise ServingError(f"Attune did not get ready. {reason}")
        self.stderr.write(self.style.WARNING(f"{reason} Every message tries again."))

    def wait(self, name: str, ask: Callable[[], str | None]) -> None:
        started = time.monotonic()
        self.stdout.write(f"{name} …", ending="")
        self.stdout.flush()
        if reason := processes.wait(ask, self.children, START_PATIENCE, self.tick):
            raise ServingError(f"The {name.lower()} did not get ready: {reason}.")
        self.say(f" ready ({time.monotonic() - started:.1f} s)")

    def tick(self) -> None:
        self.stdout.write(".", ending="")
        self.stdout.flush()

    def greet(self) -> None:
        url = site_url()
        rows = [("Admin", f"{url}admin/"), ("API", f"{url}api/docs")]
        if settings.DEMO:
            rows.insert(0, ("Demo shop", url))
            rows += [("Log in as", f"{name} / {key}  ({may})") for name, key, may in LOGINS]
        rows.append(("Logs", str(settings.DATA_DIR / "logs")))
        self.say(self.style.SUCCESS("\nAttune is ready. Press Ctrl-C to stop it."))
        for label, text in rows:
            self.say(f"  {label:10} {text}")
        if settings.HOST in {"0.0.0.0", "::"}:
            names = ", ".join(settings.ALLOWED_HOSTS)
            self.say(f"  Other machines reach it under the names in ALLOWED_HOSTS (now: {names}).")


def unbuffered(write: Callable[[str], Any]) -> Callable[[str], None]:
    """Make a writer whose lines appear at once, also in a file or a pipe."""

    def say(line: str) -> None:
        with suppress(OSError):  # A log on a full disk must not end conversations.
            write(line)
            sys.stdout.flush()

    return say


def site_url() -> str:
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.HOST, settings.HOST)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}/"


def web_problem(path: str) -> str | None:
    """Ask the web server under a name that ALLOWED_HOSTS lists; None if all is well there."""
    name = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    return processes.problem(settings.HOST, settings.PORT, path, name)


def enough_room() -> None:
    free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    if free < ROOM:
        raise ServingError(troubles.no_room(f"about {ROOM} MB are needed, "))
