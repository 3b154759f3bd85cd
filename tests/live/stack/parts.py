"""The services of deploy/compose.yaml as processes, each in a network namespace of its own.

Commands and settings are those of compose.yaml, with its mounts' folders in place of theirs; the
images' contents are made as the Dockerfiles make them: a virtual environment from a wheelhouse,
without a network.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from inference.models.catalogue import models_dir
from tests.live import nginx
from tests.live.conftest import ROOT, await_that
from tests.live.stack.network import Network

DEPLOY = ROOT / "deploy"
SERVER_NAME = "chat.example.internal"
BROWSER, CRM = "browser", "crm"
HOSTS = {
    "nginx": [SERVER_NAME],
    **{name: [] for name in ("web-1", "web-2", "worker", "beat", "setup")},
    **{name: [] for name in ("gate", "vllm", "energy", "postgres", "redis", BROWSER, CRM)},
}
# ${NAME}, ${NAME:?why}, ${NAME:-default}
SUBSTITUTED = re.compile(r"\$\{(\w+)(?::-([^}]*))?[^}]*\}")


def wheelhouse() -> Path:
    """What README's `pip download` fetches, on the machine that may; kept in the cache."""
    serving = (ROOT / "requirements.txt").read_text().split("# export, training")[0]
    name = hashlib.sha256(serving.encode()).hexdigest()[:12]
    folder = models_dir().parent / f"wheelhouse-{name}"
    if not folder.is_dir():
        draft = folder.with_suffix(".draft")
        draft.mkdir(parents=True, exist_ok=True)
        (draft / "serving.txt").write_text(serving)
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", draft / "serving.txt", "-d", draft], check=True)
        draft.rename(folder)
    return folder


@dataclass
class Stack:
    network: Network
    folder: Path
    vllm_env: Path
    chat_model: Path
    compose: dict[str, Any] = field(
        default_factory=lambda: yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    )

    @cached_property
    def secrets(self) -> Path:
        folder = self.folder / "secrets"
        subprocess.run([DEPLOY / "make-secrets.sh", folder], check=True, capture_output=True)
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-keyout", folder / "tls_key", "-out", folder / "tls_certificate"]
        command += ["-subj", f"/CN={SERVER_NAME}", "-addext", f"subjectAltName=DNS:{SERVER_NAME}"]
        subprocess.run(command, check=True, capture_output=True)
        return folder

    def environment(self, service: str) -> dict[str, str]:
        """What compose.yaml gives the service, and nothing of this machine's own."""
        given = self.compose["services"][service].get("environment", {})
        values = {"SERVER_NAME": SERVER_NAME, "DEMO": "1", "MAX_QUEUED": "8"}
        values["NGINX_ADDRESS"] = self.network.address("nginx")
        settings = {name: self.placed(value, values) for name, value in given.items()}
        path = f"{self.folder}/attune/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **settings}

    def placed(self, value: str, values: dict[str, str]) -> str:
        text = SUBSTITUTED.sub(lambda found: values.get(found[1]) or found[2] or "", value)
        text = text.replace("/run/secrets", str(self.secrets))
        mounts = {"/data": str(self.folder / "data"), "/models": str(models_dir())}
        return mounts.get(text, text)

    def install(self) -> None:
        """As attune.Dockerfile does, from the wheelhouse, where no network is."""
        wheels = wheelhouse()
        subprocess.run([sys.executable, "-m", "venv", self.folder / "attune"], check=True)
        pip = [self.folder / "attune/bin/pip", "install", "-q", "--no-index", "--no-cache-dir"]
        self.succeeds("setup", [*pip, "--find-links", wheels, "-r", wheels / "serving.txt"])

    def succeeds(self, host: str, words: list[Any], env: dict[str, str] | None = None) -> str:
        status, output = self.network.run(host, words, env or self.environment("setup"))
        assert status == 0, f"{host}: {words}: {output[-3000:]}"
        return output

    def start(self) -> None:
        """From cold, in the order of compose.yaml's conditions."""
        (self.folder / "data").mkdir()
        self.start_vllm()
        self.start_nginx("gate", "vllm/allow-list.conf.template")
        self.start_redis()
        self.start_postgres()
        setup = self.compose["services"]["setup"]["command"]
        self.succeeds("setup", setup)
        self.succeeds("setup", ["python", "manage.py", "load_demo"])
        for service in ("web-1", "web-2"):
            self.network.start(service, image_command(), self.environment(service))
        for service in ("worker", "beat", "energy"):
            command = self.compose["services"][service]["command"]
            self.network.start(service, command, self.environment(service))
        await_that(lambda: all(self.healthy(web) for web in ("web-1", "web-2")))
        # The host's own 443 is what compose.yaml publishes.
        self.start_nginx("nginx", "nginx/attune.conf.template", LISTEN="443")

    def start_vllm(self) -> None:
        env = self.environment("vllm") | {"VLLM_ENV": str(self.vllm_env), "VLLM_HOST": "0.0.0.0"}
        env |= {"VLLM_CPU_KVCACHE_SPACE": "1"}
        # To compile the model for its speed takes two minutes, and nothing is measured here.
        options = ["--enforce-eager", "--max-num-seqs", "2"]
        self.network.start("vllm", [DEPLOY / "vllm/serve.sh", self.chat_model, *options], env)

    def start_redis(self) -> None:
        (self.folder / "redis").mkdir()
        shell, flag, script = self.compose["services"]["redis"]["command"]
        script = self.placed(script.replace("$$", "$"), {})
        place = f" --dir {self.folder}/redis --bind 0.0.0.0"
        self.network.start("redis", [shell, flag, script + place], self.environment("redis"))

    def start_postgres(self) -> None:
        """As its image does: a user, a database and a password, for whoever is on the network."""
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        data = self.folder / "postgres"
        data.mkdir()
        shutil.chown(data, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        secret = self.secrets / "database_password"
        shutil.copy(secret, data.with_suffix(".password"))
        shutil.chown(data.with_suffix(".password"), "postgres")
        command = [programs / "initdb", "-D", data / "data", "-U", "attune", "-A", "scram-sha-256"]
        command += [f"--pwfile={data}.password", "--encoding=UTF8", "--locale=C.UTF-8"]
        self.succeeds("postgres", [*user, *command])
        with (data / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        options = ["-c", "listen_addresses=*", "-c", "unix_socket_directories="]
        self.network.start(
            "postgres", [*user, programs / "postgres", "-D", data / "data", *options]
        )
        url = (self.secrets / "database_url").read_text().removesuffix("/attune") + "/postgres"
        sql = ["psql", url, "-qc", "CREATE DATABASE attune"]
        await_that(lambda: self.network.run("setup", sql)[0] == 0)

    def start_nginx(self, service: str, template: str, **other: str) -> None:
        (folder := self.folder / service).mkdir()
        values = self.environment(service) | other
        self.network.start(service, nginx.command(folder, DEPLOY / template, values))

    def healthy(self, service: str) -> bool:
        words = ["python", DEPLOY / "docker/healthy.py"]
        return self.network.run(service, words, self.environment(service))[0] == 0

    def log(self, host: str) -> str:
        return (self.folder / f"{host}.log").read_text()


def image_command() -> list[str]:
    """The CMD of attune.Dockerfile."""
    text = (DEPLOY / "docker/attune.Dockerfile").read_text().replace("\\\n", "")
    return list(yaml.safe_load(re.findall(r"^CMD (.*)$", text, re.MULTILINE)[0]))


def inherited() -> dict[str, str]:
    """For the browser, which is the customer's and no part of the stack."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "chatbot.settings"}
