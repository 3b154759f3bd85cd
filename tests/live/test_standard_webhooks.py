"""Our signatures and those of the specification's own library in JavaScript, both ways."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crm import dialects, signing
from inference.models.catalogue import models_dir

pytestmark = pytest.mark.live
VERSION = "1.1.1"
BODY = '{"type": "record.upserted", "data": {"title": "grüß dich ✓"}}'
PROGRAM = """
const { Webhook } = require("standardwebhooks");
const { secret, id, at, body, headers } = JSON.parse(process.argv[1]);
const hook = new Webhook(secret);
const verified = headers ? hook.verify(body, headers).type : null;
const signature = hook.sign(id, new Date(at * 1000), body);
console.log(JSON.stringify({ verified, signature }));
"""


@pytest.fixture(scope="module")
def library() -> Path:
    """Kept in the cache, beside the models."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("The live tests need node and npm: type make test", pytrace=False)
    folder = models_dir().parent / f"standardwebhooks-{VERSION}"
    if not (folder / "node_modules").is_dir():
        package = f"standardwebhooks@{VERSION}"
        command = ["npm", "install", "--silent", "--no-fund", "--prefix", str(folder), package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"npm cannot install {package}: {done.stderr[-500:]}", pytrace=False)
    return folder


def javascript(library: Path, **given: Any) -> Any:
    words = ["node", "-e", PROGRAM, json.dumps(given)]
    done = subprocess.run(words, cwd=library, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_verify_what_the_other_signed(library: Path) -> None:
    secret, at = signing.new_secret(), datetime.now(UTC)
    ours = signing.sign("evt_1", at, BODY.encode(), [secret, signing.new_secret()])
    of = {"secret": secret, "id": "evt_1", "at": int(at.timestamp()), "body": BODY}
    theirs = javascript(library, **of, headers=ours)
    assert theirs["verified"] == "record.upserted"
    headers = {**ours, signing.SIGNATURE: theirs["signature"]}
    dialects.dialect("attune").verify(dialects.IncomingWebhook(BODY.encode(), headers), secret)
    assert theirs["signature"] in ours[signing.SIGNATURE].split(" ")
