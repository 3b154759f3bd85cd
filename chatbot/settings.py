"""Every setting of Attune. Each option is an environment variable with a working default."""

import os
from datetime import timedelta
from pathlib import Path

from chatbot.config.appearance import unfold
from chatbot.config.environment import (
    data_dir,
    database,
    env,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_number,
    env_pairs,
    env_zone,
    secret_key,
)
from chatbot.telemetry.logs import LEVELS, configured

BASE_DIR = Path(__file__).resolve().parent.parent

# Core
DEBUG = env_bool("DEBUG", True)
DATA_DIR = data_dir(BASE_DIR / "data")
SECRET_KEY = secret_key(DATA_DIR)
HOST = env("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
# As agents and CRMs reach it: links in e-mails and in commands' output begin with it.
PUBLIC_URL = env("PUBLIC_URL", (CSRF_TRUSTED_ORIGINS or [f"http://localhost:{PORT}"])[0]).rstrip(
    "/"
)
ROOT_URLCONF = "chatbot.urls"
ASGI_APPLICATION = "chatbot.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = env_zone("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en-gb"
DEMO = env_bool("DEMO", DEBUG)

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
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

# Staff: a second factor, and a pause after wrong passwords.
TWO_FACTOR_REQUIRED = env_bool("TWO_FACTOR_REQUIRED", not DEBUG and not DEMO)
OTP_TOTP_ISSUER = "Attune"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "chatbot.people.demo_logins.Backend",
]
# Single sign-on by OpenID Connect, beside passwords; see chatbot/sso.py. The names without a
# variable of their own are mozilla-django-oidc's.
OIDC_ISSUER = env("OIDC_ISSUER")
OIDC_RP_CLIENT_ID = env("OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env("OIDC_CLIENT_SECRET")
OIDC_GROUPS_CLAIM = env("OIDC_GROUPS_CLAIM", "groups")
OIDC_GROUPS = env_pairs("OIDC_GROUPS")
OIDC_SECOND_FACTOR = env_bool("OIDC_SECOND_FACTOR", False)
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
AXES_ENABLE_ADMIN = False  # the page of users lets people in again
AUDITLOG_DISABLE_REMOTE_ADDR = False
AUDITLOG_MASK_CALLABLE = "chatbot.people.audit.hidden"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "chatbot.people.demo_logins.NotPublished"},
]

# Static files: served by the web process itself, no other server and no third-party host.
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Database, channel layer, cache, tasks: in this process unless their URL is set.
DATABASE_POOL = env_int("DATABASE_POOL", 10, least=1)
_url = env("DATABASE_URL", f"sqlite://{DATA_DIR / 'attune.sqlite3'}")
DATABASES = {"default": database(_url, DATABASE_POOL)}
# Threads of the ORM in each process: all but two connections, which are for Django's own views.
# 0: Django's one thread.
DATABASE_THREADS = max(1, DATABASE_POOL - 2) if "pool" in str(DATABASES["default"]) else 0
REDIS_URL = env("REDIS_URL").rstrip("/")

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            # Pub/Sub: the core layer drops messages of a slow reader silently. Without
            # socket_timeout None, redis-py 8 ends idle sockets after 5 seconds.
            "BACKEND": "chatbot.config.channel_layer.GroupLayer",
            "CONFIG": {"hosts": [{"address": f"{REDIS_URL}/0", "socket_timeout": None}]},
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"{REDIS_URL}/2",
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = f"{REDIS_URL}/1" if REDIS_URL else "memory://"
CELERY_TASK_ALWAYS_EAGER = not REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
# A task whose worker dies is done again; what a customer waits for is not left to that, since
# Redis gives it back after the visibility timeout only: replies have leases in the database.
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240
VISIBILITY_TIMEOUT = 300
# In three places, and the shortest counts.
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat")
CELERY_BEAT_SCHEDULE = {
    # expires: a worker that was away need not catch up on what the next round does anyway.
    "recover replies": {
        "task": "chatbot.tasks.recover_replies",
        "schedule": 5,
        "options": {"expires": 5},
    },
    # A net: each event asks for it by itself.
    "apply inbound events": {
        "task": "crm.tasks.apply_inbound",
        "schedule": 5,
        "options": {"expires": 5},
    },
    "bring figures up to date": {
        "task": "chatbot.tasks.bring_figures_up_to_date",
        "schedule": 300,
        "options": {"expires": 300},
    },
    "mail unread answers": {
        "task": "chatbot.tasks.mail_unread_answers",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "look after requests": {
        "task": "chatbot.tasks.look_after_requests",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "forget idempotency keys": {
        "task": "chatbot.tasks.forget_idempotency_keys",
        "schedule": 3600,
        "options": {"expires": 3600},
    },
    "forget what is old": {
        "task": "chatbot.tasks.forget_old",
        "schedule": 3600,
        "options": {"expires": 3600},
    },
    "forget files that belong to nothing": {
        "task": "chatbot.tasks.forget_files",
        "schedule": 3600,
        "options": {"expires": 3600},
    },
    "refresh index": {
        "task": "crm.tasks.refresh_index",
        "schedule": 600,
        "options": {"expires": 600},
    },
}

# Webhooks
# Where events may be sent: host:port, https://host:port, or networks; nothing else.
WEBHOOK_ALLOWED = env_list("WEBHOOK_ALLOWED")
if DEMO:
    # The demo shop's CRM is a view of this site.
    WEBHOOK_ALLOWED += [f"http://127.0.0.1:{PORT}"]
WEBHOOK_MAX_BYTES = env_int("WEBHOOK_MAX_BYTES", 5 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = WEBHOOK_MAX_BYTES

# API
LOGIN_REDIRECT_URL = "/admin/"  # unfold's log-in form drops the page asked for

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatbot.api.parsers.SafeJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "chatbot.api.problems.problem_document",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Attune",
    "DESCRIPTION": "Records in, conversations out, webhooks, and visitor sessions for the chat "
    "widget. Errors are RFC 9457 problem documents. Keys are made with `manage.py api_key add`.",
    "OAS_VERSION": "3.1.1",
    "WEBHOOKS": [
        f"chatbot.api.webhooks.{event}"
        for event in (
            "conversation_created",
            "message_created",
            "sentiment_alert",
            "conversation_handed_off",
            "conversation_assigned",
            "conversation_resolved",
            "feedback_given",
            "csat_submitted",
            "lead_captured",
            "action_requested",
        )
    ],
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # Its default shows a badge from its makers' server.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Models
ATTUNE_MODEL = env_choice("ATTUNE_MODEL", "default", "small")
# `serve` leaves its model server's port here while it runs, so that other commands find it.
SLM_PORT_FILE = DATA_DIR / "slm_port"
SLM_PORT = env_int("SLM_PORT", int(SLM_PORT_FILE.read_text()) if SLM_PORT_FILE.exists() else 8080)
SLM_URL = env("SLM_URL", f"http://127.0.0.1:{SLM_PORT}/v1")
SLM_NAME = env("SLM_NAME", "slm")
SLM_API_KEY = env("SLM_API_KEY", "none")
SLM_EMBEDDED = "SLM_URL" not in os.environ
MODEL_THREADS = env_int("MODEL_THREADS", os.cpu_count() or 2, least=1)
INDEX_DIR = DATA_DIR / "index"
# A Milvus server, for more passages than one machine holds; without one, the files in INDEX_DIR.
INDEX_URL = env("INDEX_URL")

# Replies (seconds)
SLM_CONNECT_TIMEOUT = env_number("SLM_CONNECT_TIMEOUT", 2)
SLM_FIRST_TOKEN_TIMEOUT = env_number("SLM_FIRST_TOKEN_TIMEOUT", 20)
SLM_TOKEN_TIMEOUT = env_number("SLM_TOKEN_TIMEOUT", 10)
SLM_TOTAL_TIMEOUT = env_number("SLM_TOTAL_TIMEOUT", 60)
# A claim is renewed while its process lives; another takes over once it has ended.
REPLY_LEASE = env_number("REPLY_LEASE", 8)
# How long a message waits for the next one of the same burst.
REPLY_SETTLE = env_number("REPLY_SETTLE", 0.5)
# Answers that one process has written at the same time; llama.cpp has two places, vLLM many.
GENERATIONS = env_int("GENERATIONS", 2 if SLM_EMBEDDED else 32, least=1)

# One machine's; elsewhere each container runs one.
WEB_PROCESSES = env_int("WEB_PROCESSES", 2 if REDIS_URL and DATABASE_THREADS else 1, least=1)

# Visitors
TOKEN_LIFETIME = env_int("TOKEN_LIFETIME", 3600)
TOKEN_RENEWABLE = env_int("TOKEN_RENEWABLE", 30 * 24 * 3600)
MESSAGE_MAX_CHARACTERS = env_int("MESSAGE_MAX_CHARACTERS", 4000)
FRAME_MAX_BYTES = env_int("FRAME_MAX_BYTES", 32 * 1024)
MESSAGES_PER_MINUTE = env_int("MESSAGES_PER_MINUTE", 30)
SESSIONS_PER_MINUTE = env_int("SESSIONS_PER_MINUTE", 300)
FRAMES_PER_MINUTE = env_int("FRAMES_PER_MINUTE", 240)
SOCKETS_PER_ADDRESS = env_int("SOCKETS_PER_ADDRESS", 500)
SOCKETS_PER_VISITOR = env_int("SOCKETS_PER_VISITOR", 20)
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)
CONVERSATION_MAX_MESSAGES = env_int("CONVERSATION_MAX_MESSAGES", 2000)

# Attachments. Where they are kept may be any storage of Django's: nothing but our own view reads
# it. nginx's client_max_body_size follows the first.
ATTACHMENT_MAX_BYTES = env_int("ATTACHMENT_MAX_BYTES", 10 * 1024 * 1024)
ATTACHMENTS_PER_MESSAGE = env_int("ATTACHMENTS_PER_MESSAGE", 5)
ATTACHMENTS_PER_MINUTE = env_int("ATTACHMENTS_PER_MINUTE", 20)
# Bytes of all files of one conversation.
CONVERSATION_MAX_BYTES = env_int("CONVERSATION_MAX_BYTES", 100 * 1024 * 1024)
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
}

# How long what was said is kept, in days since the last message; 0: for ever.
REDACT_AFTER_DAYS = env_int("REDACT_AFTER_DAYS", 0)
DELETE_AFTER_DAYS = env_int("DELETE_AFTER_DAYS", 0)
# Whose way of writing telephone numbers without a country's code is known again: ISO 3166 codes.
PHONE_REGIONS = env_list("PHONE_REGIONS", "GB,IE,US,DE,AT,CH,FR,NL,ES,IT")
# Cards, accounts, phones and addresses in what the customer wrote do not reach the model.
MASK_FOR_MODEL = env_bool("MASK_FOR_MODEL", False)

# E-mail: alerts to agents, transcripts and answers to customers. Without EMAIL_HOST none is sent.
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", EMAIL_PORT == 587)
EMAIL_TIMEOUT = 15
# Mails an hour that visitors may have sent to addresses they type: to one mailbox, from one network
# (an IPv4 /24, an IPv6 /48), and in all. Agents' answers to confirmed addresses are not counted.
MAILS_PER_ADDRESS = env_int("MAILS_PER_ADDRESS", 3)
MAILS_PER_NETWORK = env_int("MAILS_PER_NETWORK", 20)
MAILS_PER_HOUR = env_int("MAILS_PER_HOUR", 200)
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", "attune@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"

# Browser security. The widget lives in an iframe: its own view names who may frame it.
SELF, NONE = "'self'", "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "connect-src": [SELF, "ws:", "wss:"],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
# Whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are, loopback's included.
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = None
if env_bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Probes come from inside, past the proxy.
    SECURE_REDIRECT_EXEMPT = ["^livez$", "^readyz$", "^metrics$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env_bool("HSTS_SUBDOMAINS", False)

UNFOLD = unfold(STATIC_URL)

LOG_FORMAT = env_choice("LOG_FORMAT", *(("line", "json") if DEBUG else ("json", "line")))
DJANGO_STRUCTLOG_CELERY_ENABLED = True
LOGGING = configured(LOG_FORMAT == "json", env_choice("LOG_LEVEL", "", *LEVELS))
