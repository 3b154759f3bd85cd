"""Settings of the tests: the defaults, whatever the shell has set, in a folder of their own.

Under deploy/local/services.py the same tests run on its PostgreSQL and Redis.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from deploy.local import services

# The live tests look for models where the user keeps them.
KEPT = {"ATTUNE_MODELS", "ATTUNE_SHARED"}
OURS = {"DEBUG", "DEMO", "HOST", "PORT", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"}
OURS |= {"INDEX_URL"}
if "ATTUNE_SERVICES" in os.environ:
    OURS -= {"DATABASE_URL", "REDIS_URL"}

for name in list(os.environ):
    if name.removesuffix("_FILE") in OURS or name.startswith(("SLM_", "ATTUNE_MODEL_")):
        del os.environ[name]
os.environ.pop("ATTUNE_MODEL", None)
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="attune-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
# The models that tests train are tiny: threads would mostly wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if "ATTUNE_SERVICES" in os.environ and "PYTEST_XDIST_WORKER" in os.environ:
    # Each process of pytest-xdist has a database of its own from pytest-django; this is its Redis.
    server = services.redis(Path(os.environ["DATA_DIR"]), "tests")
    server.start()
    server.until_ready()
    atexit.register(server.end)
    os.environ["REDIS_URL"] = f"redis://:tests@{services.HOST}:{server.port}"

from chatbot.settings import *  # noqa: E402, F403

# A TestCase holds its transaction on one thread, and so does what it tests.
DATABASE_THREADS = 0
# Tasks run where they are called, also beside a real broker.
CELERY_TASK_ALWAYS_EAGER = True
# pytest keeps the records of each test and shows those of one that fails; written as lines, with
# personal data taken out, they took a fifth of the time of a refused page.
LOGGING["handlers"]["console"] = {"class": "logging.NullHandler"}  # noqa: F405
# The admin's log-ins in tests need no slow hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
