"""Runs a command with a PostgreSQL and a Redis of its own, from Debian's packages.

    python deploy/local/services.py [--folder FOLDER] COMMAND [ARGUMENT …]

Starts both on free ports of this machine's loopback, runs the command with DATABASE_URL and
REDIS_URL set, and stops both when it ends. A service that dies meanwhile is restarted, as a service
manager would do. Their data and `services.json`, which holds their process ids, are kept in FOLDER;
without a folder they are deleted at the end.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Python puts the folder of a script on its path, not the repository that the script is part of.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from inference.programs import LOOPBACK as HOST
from inference.programs import end_with_parent, free_port

USER = DATABASE = "attune"
# Seconds that a service has to get ready, and between two checks that it still runs.
PATIENCE, WATCHED_EVERY = 60, 0.2
MISSING = "{} is not installed; on Debian type: apt-get install {}"


@dataclass
class Service:
    name: str
    arguments: list[str]
    port: int
    # PostgreSQL refuses to run as root.
    user: str | None
    log: Path
    ends_with: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                user=self.user,
                start_new_session=True,
                preexec_fn=end_with_parent,
                cwd=self.log.parent,
            )

    def until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def end(self) -> None:
        self.process.send_signal(self.ends_with)
        self.process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def postgresql(folder: Path, password: str) -> Service:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise SystemExit(MISSING.format("PostgreSQL", "postgresql"))
    user = "postgres" if os.geteuid() == 0 else None
    data, log = folder / "postgresql", folder / "postgresql.log"
    if user:
        shutil.chown(folder, user)
    if not (data / "PG_VERSION").exists():
        initialise(programs[-1], data, password, user)
    port = free_port()
    options = {"listen_addresses": HOST, "unix_socket_directories": "", "max_connections": "200"}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    arguments = [str(programs[-1] / "postgres"), "-D", str(data), "-p", str(port), *settings]
    # SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients.
    return Service("PostgreSQL", arguments, port, user, log, signal.SIGINT)


def initialise(programs: Path, data: Path, password: str, user: str | None) -> None:
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as secret:
        secret.write(password)
        secret.flush()
        if user:
            shutil.chown(secret.name, user)
        command = [str(programs / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256"]
        command += [f"--pwfile={secret.name}", "--encoding=UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(command, user=user, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"PostgreSQL cannot be set up in {data}: {done.stderr}")


def redis(folder: Path, password: str) -> Service:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit(MISSING.format("Redis", "redis-server"))
    port = free_port()
    # noeviction: a broker that evicts a queue does so silently.
    options = {
        "port": str(port),
        "bind": HOST,
        "dir": str(folder),
        "requirepass": password,
        "save": "",
        "appendonly": "yes",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    settings = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Service("Redis", [program, *settings], port, None, folder / "redis.log")


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the settings that lead to the two services."""
    password = kept(folder / "password", lambda: secrets.token_urlsafe(24))
    services = [postgresql(folder, password), redis(folder, password)]
    over = threading.Event()
    watch = threading.Thread(target=keep_alive, args=(services, folder, over))
    for service in services:
        service.start()
    try:
        for service in services:
            service.until_ready()
        note(services, folder)
        database, store = services
        create_database(database.port, password)
        watch.start()
        yield {
            "DATABASE_URL": f"postgresql://{USER}:{password}@{HOST}:{database.port}/{DATABASE}",
            "REDIS_URL": f"redis://:{password}@{HOST}:{store.port}",
        }
    finally:
        over.set()
        if watch.is_alive():
            watch.join()
        for service in services:
            service.end()


def keep_alive(services: list[Service], folder: Path, over: threading.Event) -> None:
    while not over.wait(WATCHED_EVERY):
        for service in services:
            if service.process.poll() is not None:
                print(f"{service.name} ended by itself and is restarted.", file=sys.stderr)
                service.start()
                note(services, folder)


def note(services: list[Service], folder: Path) -> None:
    ids = {service.name: service.process.pid for service in services}
    draft = folder / "services.draft"
    draft.write_text(json.dumps(ids))
    draft.replace(folder / "services.json")


def create_database(port: int, password: str) -> None:
    import psycopg

    with psycopg.connect(
        host=HOST, port=port, user=USER, password=password, dbname="postgres", autocommit=True
    ) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not known.fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()


@contextmanager
def chosen(folder: Path | None) -> Iterator[Path]:
    """Yield a folder that the services' users can enter; they cannot enter root's own folders."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="attune-services-") as made:
            Path(made).chmod(0o711)
            yield Path(made)
        return
    if os.geteuid() == 0:
        name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
        folder = Path("/var/tmp") / f"attune-services-{name}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    yield folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, usage="%(prog)s [--folder F] COMMAND …")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with chosen(options.folder) as folder, running(folder) as settings:
        environment = os.environ | settings | {"ATTUNE_SERVICES": str(folder)}
        return run(options.command, environment)


def run(command: list[str], environment: dict[str, str]) -> int:
    """Pass signals on to the command, which ends in its own way; the services end after it."""
    child = subprocess.Popen(command, env=environment, preexec_fn=end_with_parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: child.send_signal(got))
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
