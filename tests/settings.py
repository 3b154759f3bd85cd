"""Settings of the tests: the defaults, whatever the shell has set, in a folder of their own.

Under deploy/local/services.py the same tests run on its PostgreSQL and Redis.
"""

import atexit
import os
import shutil
import tempfile

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

from chatbot.settings import *  # noqa: E402, F403

# A TestCase holds its transaction on one thread, and so does what it tests.
DATABASE_THREADS = 0
# Tasks run where they are called, also beside a real broker.
CELERY_TASK_ALWAYS_EAGER = True
# The admin's log-ins in tests need no slow hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
