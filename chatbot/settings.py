"""Every setting of Attune. Each option is an environment variable with a working default.

`manage.py settings` prints docs/settings.md from this file: a `##` line is a heading there, and
the `#:` lines above a setting are its meaning.
"""

import os
from datetime import timedelta
from pathlib import Path

from chatbot.config import csp, periodic_tasks, redis, rest
from chatbot.config.appearance import unfold
from chatbot.config.cores import cores
from chatbot.config.environment import (
    data_dir,
    database,
    env,
    env_bool,
    env_choice,
    env_hosts,
    env_int,
    env_list,
    env_number,
    env_pairs,
    env_zone,
    noted_port,
    secret_key,
)
from chatbot.telemetry.logs import LEVELS, configured

BASE_DIR = Path(__file__).resolve().parent.parent

## The site
#: Set to `0` in production.
DEBUG = env_bool("DEBUG", True)
#: Holds the database, attachments, index, logs and the generated secret key.
#: Default: `data` in the checkout.
DATA_DIR = data_dir(BASE_DIR / "data")
#: Signs staff sessions and visitors' tokens.
#: Default: generated at the first start and kept in `DATA_DIR`.
SECRET_KEY = secret_key(DATA_DIR)
#: The address that the web server listens on; `0.0.0.0` stands for all addresses.
HOST = env("HOST", "127.0.0.1")
#: The port that the web server listens on.
PORT = env_int("PORT", 8000)
#: The host names under which browsers and programs reach the site.
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
#: The admin's origin behind a TLS proxy, for example `https://chat.example`.
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
#: The beginning of links in e-mails and of webhook addresses in command output.
#: Default: the first of `CSRF_TRUSTED_ORIGINS`, else `http://localhost` with `PORT`.
PUBLIC_URL = env("PUBLIC_URL", (CSRF_TRUSTED_ORIGINS or [f"http://localhost:{PORT}"])[0]).rstrip(
    "/"
)
ROOT_URLCONF = "chatbot.urls"
ASGI_APPLICATION = "chatbot.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
#: The time zone in which times are shown and told to customers, for example `Europe/Berlin`.
TIME_ZONE = env_zone("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en-gb"
#: Turns on the demo shop and its log-ins. With `0` nobody can log in with the demo's published
#: password.
#: Default: the value of `DEBUG`.
DEMO = env_bool("DEMO", DEBUG)

INSTALLED_APPS = [
    "unfold",
    "chatbot.config.pages.Pages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "auditlog",
    "crm",
    "chatbot",
]

MIDDLEWARE = [
    "django_structlog.middlewares.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "chatbot.middleware.without_nul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "chatbot.people.two_factor.SecondFactor",
    "auditlog.middleware.AuditlogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "chatbot.middleware.AdminPolicy",
    "chatbot.middleware.Troubles",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

## Staff and single sign-on
#: Whether staff must set up a second factor.
#: Default: `1` where `DEBUG` and `DEMO` are both `0`, else `0`.
TWO_FACTOR_REQUIRED = env_bool("TWO_FACTOR_REQUIRED", not DEBUG and not DEMO)
OTP_TOTP_ISSUER = "Attune"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "chatbot.people.demo_logins.Backend",
]
# Single sign-on by OpenID Connect, beside passwords; see chatbot/people/sso.py. The names without a
# variable of their own are mozilla-django-oidc's.
#: The issuer URL of your OpenID Connect provider; setting it turns on single sign-on. Attune
#: contacts the provider on this host only.
OIDC_ISSUER = env("OIDC_ISSUER")
#: The client id that the provider gave Attune.
OIDC_RP_CLIENT_ID = env("OIDC_CLIENT_ID")
#: The client secret that the provider gave Attune.
OIDC_RP_CLIENT_SECRET = env("OIDC_CLIENT_SECRET")
#: The claim of the ID token that lists a person's groups.
OIDC_GROUPS_CLAIM = env("OIDC_GROUPS_CLAIM", "groups")
#: Maps the provider's groups to roles: `support=Agent,support-leads=Team lead`.
OIDC_GROUPS = env_pairs("OIDC_GROUPS")
#: Set to `1` if the provider asks everybody for a second factor but does not say so in the `amr`
#: claim.
OIDC_SECOND_FACTOR = env_bool("OIDC_SECOND_FACTOR", False)
#: The scopes that Attune asks the provider for.
OIDC_RP_SCOPES = env("OIDC_SCOPES", "openid profile email")
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_USE_PKCE = True
OIDC_AUTHENTICATION_CALLBACK_URL = "sso-callback"
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("chatbot.people.sso.Backend")
AXES_WHITELIST_CALLABLE = "chatbot.people.two_factor.without_password"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "chatbot.people.two_factor.address"
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # accounts are unlocked on the users page
AUDITLOG_DISABLE_REMOTE_ADDR = False
AUDITLOG_MASK_CALLABLE = "chatbot.people.audit.hidden"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "chatbot.people.demo_logins.NotPublished"},
]

# The web process serves static files itself: no other server and no third-party host is needed.
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

## Database, Redis and processes
# Channel layer, cache and tasks stay in this process unless REDIS_URL is set.
#: PostgreSQL connections of each process. Queries run concurrently on all but two of them. Behind
#: PgBouncer in transaction mode, also set PgBouncer's `max_prepared_statements`.
DATABASE_POOL = env_int("DATABASE_POOL", 10, least=1)
#: The database: `postgresql://user:password@host:5432/name`. Percent-encode the password. Options
#: such as `?sslmode=verify-full` may follow.
#: Default: SQLite in `DATA_DIR`.
_url = env("DATABASE_URL", f"sqlite://{DATA_DIR / 'attune.sqlite3'}")
DATABASES = {"default": database(_url, DATABASE_POOL)}
# Threads of the ORM in each process: one for each connection except two, which Django's own views
# use. 0 stands for Django's single thread.
DATABASE_THREADS = max(1, DATABASE_POOL - 2) if "pool" in str(DATABASES["default"]) else 0
#: Redis, as `redis://host:6379`; more than one web process needs it. Databases 0, 1 and 2 carry
#: hints, tasks and the cache. Without it these stay in the process's memory.
REDIS_URL = env("REDIS_URL").rstrip("/")

CACHES = {"default": redis.cache(REDIS_URL)}

CELERY_BROKER_URL = f"{REDIS_URL}/1" if REDIS_URL else "memory://"
CELERY_TASK_ALWAYS_EAGER = not REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
# A task whose worker dies runs again, but only after the visibility timeout of Redis. Customers do
# not wait for that: replies have leases in the database.
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240
VISIBILITY_TIMEOUT = 300
# Celery reads it in three places, and the shortest one counts.
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat")
CELERY_BEAT_SCHEDULE = periodic_tasks.BEAT

## Webhooks
#: Where events may be sent: `host:port`, `https://host:port`, or networks like `10.0.0.0/8`. With
#: `DEMO=1` this site is allowed too, since the demo shop's CRM is part of it.
WEBHOOK_ALLOWED = env_list("WEBHOOK_ALLOWED")
if DEMO:
    # The demo shop's CRM is a view of this site.
    WEBHOOK_ALLOWED += [f"http://127.0.0.1:{PORT}"]
#: The largest webhook that is accepted, in bytes.
#: Default: `5242880` (5 MiB).
WEBHOOK_MAX_BYTES = env_int("WEBHOOK_MAX_BYTES", 5 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = WEBHOOK_MAX_BYTES

## Articles from inside the network
#: Hosts that websites and files may be read from, for example `help.intranet,wiki.intranet:8080`.
#: A host without a port means ports 80 and 443.
#: Default: none; nothing is read.
KNOWLEDGE_HOSTS = env_hosts("KNOWLEDGE_HOSTS")
#: Folders of this machine that import plans may read files from, for example `/srv/exports`. Their
#: subfolders are included.
#: Default: none; nothing is read.
KNOWLEDGE_FOLDERS = env_list("KNOWLEDGE_FOLDERS")

LOGIN_REDIRECT_URL = "/admin/"  # unfold's log-in form drops the page asked for
REST_FRAMEWORK, SPECTACULAR_SETTINGS = rest.FRAMEWORK, rest.DESCRIPTION

## Language model and index
#: The chat model that Attune starts itself: `default` (1.5 billion parameters) or `small` (0.5
#: billion).
ATTUNE_MODEL = env_choice("ATTUNE_MODEL", "default", "small")
# `serve` writes its model server's port here while it runs, so that other commands find it.
SLM_PORT_FILE = DATA_DIR / "slm_port"
#: The port of the model server that `make run` starts.
#: Default: `8080`, or the next free port.
SLM_PORT = env_int("SLM_PORT", noted_port(SLM_PORT_FILE, 8080))
#: An OpenAI-compatible server, for example `http://vllm:8100/v1`.
#: Default: none; Attune starts a model server of its own.
SLM_URL = env("SLM_URL", f"http://127.0.0.1:{SLM_PORT}/v1")
#: The model's name on that server.
SLM_NAME = env("SLM_NAME", "slm")
#: The key that Attune shows to that server.
SLM_API_KEY = env("SLM_API_KEY", "none")
SLM_EMBEDDED = "SLM_URL" not in os.environ
#: Threads of the language model and of the encoder. If several web processes share
#: one port, each gives the encoder one thread.
#: Default: the number of cores that Attune may use.
MODEL_THREADS = env_int("MODEL_THREADS", cores(), least=1)
INDEX_DIR = DATA_DIR / "index"
#: A Milvus server, for example `http://milvus:19530`, for more passages than one machine holds.
#: Run `manage.py index build` after you set it. Without it the index is kept in `DATA_DIR`.
INDEX_URL = env("INDEX_URL")

## Replies
#: Show the line of a record at once if the reader is sure that it answers the question. Set to `0`
#: to ask the language model every time.
ANSWER_AT_ONCE = env_bool("ANSWER_AT_ONCE", True)
#: Seconds to connect to a model server.
SLM_CONNECT_TIMEOUT = env_number("SLM_CONNECT_TIMEOUT", 2)
#: Seconds until the first token. This and the next two limits grow up to tenfold for a server that
#: has been slow lately.
SLM_FIRST_TOKEN_TIMEOUT = env_number("SLM_FIRST_TOKEN_TIMEOUT", 20)
#: Seconds between two tokens.
SLM_TOKEN_TIMEOUT = env_number("SLM_TOKEN_TIMEOUT", 10)
#: Seconds for a whole generation.
SLM_TOTAL_TIMEOUT = env_number("SLM_TOTAL_TIMEOUT", 60)
#: Seconds after which another process takes over the reply of a process that died.
REPLY_LEASE = env_number("REPLY_LEASE", 8)
#: Seconds that a further message waits for the rest of its burst before it is answered.
REPLY_SETTLE = env_number("REPLY_SETTLE", 0.5)
# Our llama.cpp server generates two answers at a time, vLLM many.
#: Concurrent generations of one process; further customers see their place in the queue.
#: Default: `2`, or `32` with `SLM_URL`.
GENERATIONS = env_int("GENERATIONS", 2 if SLM_EMBEDDED else 32, least=1)
#: Web processes that `manage.py serve` starts on one port. In containers, start one per container
#: instead.
#: Default: with PostgreSQL and Redis the number of cores that Attune may use, at most 8, else `1`.
WEB_PROCESSES = env_int(
    # PostgreSQL accepts 100 connections by default, and each process opens up to DATABASE_POOL.
    "WEB_PROCESSES",
    min(8, cores()) if REDIS_URL and DATABASE_THREADS else 1,
    least=1,
)

## Visitors and limits
#: Seconds for which a visitor's token is valid.
TOKEN_LIFETIME = env_int("TOKEN_LIFETIME", 3600)
#: Seconds for which an anonymous visitor's token can be renewed.
#: Default: `2592000` (30 days).
TOKEN_RENEWABLE = env_int("TOKEN_RENEWABLE", 30 * 24 * 3600)
#: The longest message, in characters.
MESSAGE_MAX_CHARACTERS = env_int("MESSAGE_MAX_CHARACTERS", 4000)
#: The largest WebSocket frame, in bytes.
#: Default: `32768` (32 KiB).
FRAME_MAX_BYTES = env_int("FRAME_MAX_BYTES", 32 * 1024)
#: Messages a minute from one visitor.
MESSAGES_PER_MINUTE = env_int("MESSAGES_PER_MINUTE", 30)
#: New visitor sessions a minute from one address.
SESSIONS_PER_MINUTE = env_int("SESSIONS_PER_MINUTE", 300)
#: WebSocket frames a minute on one connection.
FRAMES_PER_MINUTE = env_int("FRAMES_PER_MINUTE", 240)
#: Open connections from one address to one web process.
SOCKETS_PER_ADDRESS = env_int("SOCKETS_PER_ADDRESS", 500)
#: Open connections from one visitor to one web process.
SOCKETS_PER_VISITOR = env_int("SOCKETS_PER_VISITOR", 20)
#: REST API requests a minute with one key.
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)
#: Messages in one conversation.
CONVERSATION_MAX_MESSAGES = env_int("CONVERSATION_MAX_MESSAGES", 2000)

## Attachments
#: The largest attachment, in bytes; `0` turns attachments off. Behind nginx, adjust its
#: `client_max_body_size` too.
#: Default: `10485760` (10 MiB).
ATTACHMENT_MAX_BYTES = env_int("ATTACHMENT_MAX_BYTES", 10 * 1024 * 1024)
#: Files in one message.
ATTACHMENTS_PER_MESSAGE = env_int("ATTACHMENTS_PER_MESSAGE", 5)
#: Uploads a minute by one person.
ATTACHMENTS_PER_MINUTE = env_int("ATTACHMENTS_PER_MINUTE", 20)
#: Bytes of all files of one conversation.
#: Default: `104857600` (100 MiB).
CONVERSATION_MAX_BYTES = env_int("CONVERSATION_MAX_BYTES", 100 * 1024 * 1024)
# Attachments may use any storage of Django, since only our own view reads them.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "attachments": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "attachments",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    # Files on their way into Attune. A child process reads them by their path.
    "imports": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "imports",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

## Privacy
#: Days without a message after which personal data is removed from a conversation; `0`: never.
REDACT_AFTER_DAYS = env_int("REDACT_AFTER_DAYS", 0)
#: Days without a message after which a conversation is deleted; `0`: never.
DELETE_AFTER_DAYS = env_int("DELETE_AFTER_DAYS", 0)
#: Countries (ISO 3166 codes) whose phone numbers are recognised without a country code when
#: personal data is removed.
PHONE_REGIONS = env_list("PHONE_REGIONS", "GB,IE,US,DE,AT,CH,FR,NL,ES,IT")
#: Set to `1` to hide cards, accounts, phone numbers, addresses and names that customers type from
#: the language model.
MASK_FOR_MODEL = env_bool("MASK_FOR_MODEL", False)

## E-mail
#: Your mail server, for alerts, transcripts and answers to customers. Without it no mail is sent.
EMAIL_HOST = env("EMAIL_HOST")
#: The mail server's port.
EMAIL_PORT = env_int("EMAIL_PORT", 587)
#: The user name at the mail server.
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
#: The password at the mail server.
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
#: Whether to use STARTTLS.
#: Default: `1` with port 587, else `0`.
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", EMAIL_PORT == 587)
EMAIL_TIMEOUT = 15
# These limits do not count agents' answers to confirmed addresses.
#: Mails an hour that visitors can have sent to one mailbox.
MAILS_PER_ADDRESS = env_int("MAILS_PER_ADDRESS", 3)
#: Mails an hour that visitors of one network (IPv4 /24, IPv6 /48) can have sent.
MAILS_PER_NETWORK = env_int("MAILS_PER_NETWORK", 20)
#: Mails an hour that all visitors together can have sent.
MAILS_PER_HOUR = env_int("MAILS_PER_HOUR", 200)
#: The sender of all mail.
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", "attune@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"

## Proxies and browser security
CONTENT_SECURITY_POLICY = {"DIRECTIVES": csp.DIRECTIVES}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
#: Addresses and networks of the proxies whose `X-Forwarded-For` is believed, for example
#: `10.0.0.5,10.1.0.0/24`; nobody else's is.
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = None
#: Set to `1` if a proxy ends TLS and sets `X-Forwarded-Proto`.
if env_bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Probes come from inside the network, not through the proxy.
    SECURE_REDIRECT_EXEMPT = ["^livez$", "^readyz$", "^metrics$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    #: With `BEHIND_TLS_PROXY=1`: set to `1` if every subdomain of this host uses TLS too.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env_bool("HSTS_SUBDOMAINS", False)

UNFOLD = unfold(STATIC_URL)

## Logs
#: `line` for people, `json` for a log collector. JSON lines carry request, conversation and task
#: ids, and never what customers or agents wrote.
#: Default: `line`; `json` with `DEBUG=0`.
LOG_FORMAT = env_choice("LOG_FORMAT", *(("line", "json") if DEBUG else ("json", "line")))
DJANGO_STRUCTLOG_CELERY_ENABLED = True
#: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
#: Default: `INFO`.
LOGGING = configured(LOG_FORMAT == "json", env_choice("LOG_LEVEL", "", *LEVELS))
