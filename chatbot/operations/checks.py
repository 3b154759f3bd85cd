"""System checks that report bad configuration and say what to type.

They read settings only, except for two that read the database.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import DatabaseError, connection
from django.db.models import Q

from chatbot.config.environment import taken_apart
from chatbot.config.network import is_private
from chatbot.people import demo_logins, roles
from crm.plumbing import destinations
from inference.models import catalogue

CONFIGURATION = "attune"
FILES = "attune_files"

Apps = Sequence[AppConfig] | None


@register(CONFIGURATION)
def one_machine_defaults(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Report defaults that are right on one machine and wrong in production."""
    return [] if settings.DEBUG else list(_left_at_default())


def _left_at_default() -> Iterator[CheckMessage]:
    if connection.vendor == "sqlite":
        yield Warning(
            "DEBUG=0 with SQLite: only the processes of one machine can share it.",
            hint="Set DATABASE_URL, e.g. DATABASE_URL=postgresql://attune:…@db:5432/attune",
            id="attune.W001",
        )
    if not settings.REDIS_URL:
        yield Warning(
            "DEBUG=0 without Redis: web processes cannot reach each other.",
            hint="Set REDIS_URL, e.g. REDIS_URL=redis://redis:6379",
            id="attune.W002",
        )
    if _secret_key_was_made_here():
        yield Warning(
            "DEBUG=0 with the SECRET_KEY that was generated in DATA_DIR: every machine generates "
            "its own and refuses the other machines' sessions.",
            hint="Set SECRET_KEY, or SECRET_KEY_FILE, to the same value on every machine.",
            id="attune.W003",
        )
    if settings.DEMO:
        yield Warning(
            "DEBUG=0 with DEMO=1: anybody can log in to the admin with the demo's password.",
            hint="Set DEMO=0: then Attune refuses that password.",
            id="attune.W004",
        )


def _secret_key_was_made_here() -> bool:
    path = settings.DATA_DIR / "secret_key"
    return path.is_file() and path.read_text() == settings.SECRET_KEY


@register(CONFIGURATION)
def demo_on_the_network(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if not settings.DEMO or _is_loopback(settings.HOST):
        return []
    return [
        Warning(
            f"HOST={settings.HOST} with DEMO=1: your network can log in with the demo's password.",
            hint="Change the passwords of admin and agent in the admin, or set HOST=127.0.0.1",
            id="attune.W005",
        )
    ]


@register(CONFIGURATION)
def demo_left_behind(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Report users who still have the demo's password, once there is a database."""
    if settings.DEBUG or settings.DEMO:
        return []
    try:
        names = with_published_password()
    except DatabaseError:
        return []
    return [
        Error(
            f"The user {name} still has the demo's password, and cannot log in.",
            hint=f"Type: python manage.py changepassword {name}",
            id="attune.E012",
        )
        for name in names
    ]


def with_published_password() -> list[str]:
    """Return which demo users and superusers still have the demo's password.

    Only these are looked at, since each takes a slow hash.
    """
    from django.contrib.auth.models import User

    names = [name for name, *_ in demo_logins.LOGINS]
    users = User.objects.filter(Q(username__in=names) | Q(is_superuser=True), is_active=True)
    return [user.username for user in users[:20] if demo_logins.is_published(user.password)]


@register(CONFIGURATION)
def redis_url(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    hint = "Set it without a database number, e.g. REDIS_URL=redis://redis:6379"
    try:
        url = taken_apart(settings.REDIS_URL)
        more = url.path or url.query or url.fragment
        well_formed = url.scheme in {"redis", "rediss"} and url.hostname and not more
    except ValueError as error:
        well_formed, hint = False, f"REDIS_URL: {error}."
    if not settings.REDIS_URL or well_formed:
        return []
    # The message does not quote the value, which may hold a password.
    text = "REDIS_URL does not have the form redis://:password@host:port."
    return [Error(text, hint=hint, id="attune.E001")]


@register(CONFIGURATION)
def slm_url(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    url = _split(settings.SLM_URL)
    if not (url and url.scheme in {"http", "https"} and url.hostname):
        return [
            Error(
                f"SLM_URL={settings.SLM_URL} is not http:// or https://.",
                hint="Name an OpenAI-compatible server, e.g. SLM_URL=http://vllm:8000/v1",
                id="attune.E002",
            )
        ]
    hint = "Set SLM_URL to a server of your own, e.g. SLM_URL=http://vllm:8000/v1"
    return list(_outside("SLM_URL", url.hostname, hint, "attune.W006"))


@register(CONFIGURATION)
def index_url(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    url = _split(settings.INDEX_URL) if settings.INDEX_URL else None
    hint = "Set INDEX_URL to a Milvus of your own, e.g. INDEX_URL=http://milvus:19530"
    host = url.hostname if url else None
    return list(_outside("INDEX_URL", host, hint, "attune.W008")) if host else []


def _outside(name: str, host: str, hint: str, id: str) -> Iterator[CheckMessage]:
    if not is_private(host):
        text = f"{name} names {host}, which is outside the private network: customers' messages "
        yield Warning(text + "and records would leave it.", hint=hint, id=id)


@register(CONFIGURATION)
def webhook_allowed(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    wrong = []
    for line in settings.WEBHOOK_ALLOWED:
        try:
            destinations.parsed(line)
        except ValueError as error:
            wrong.append(f"{error}")
    hint = "Write WEBHOOK_ALLOWED=crm.corp:8443,https://erp.corp:443,10.0.0.0/8"
    return [Error(f"WEBHOOK_ALLOWED: {text}.", hint=hint, id="attune.E004") for text in wrong]


@register(CONFIGURATION)
def single_sign_on(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return list(_single_sign_on()) if settings.OIDC_ISSUER else []


def _single_sign_on() -> Iterator[CheckMessage]:
    url = _split(settings.OIDC_ISSUER)
    if not (url and url.hostname and (url.scheme == "https" or _is_loopback(url.hostname))):
        yield Error(
            f"OIDC_ISSUER={settings.OIDC_ISSUER} is not https://.",
            hint="Write it as the provider does, e.g. OIDC_ISSUER=https://id.corp/realms/staff",
            id="attune.E005",
        )
    elif not is_private(url.hostname):
        yield Warning(
            f"OIDC_ISSUER names {url.hostname}, which is outside the private network: it learns "
            "when your staff log in, and decides who may.",
            hint="Set OIDC_ISSUER to a provider of your own, or keep it if that is intended.",
            id="attune.W009",
        )
    if not (settings.OIDC_RP_CLIENT_ID and settings.OIDC_RP_CLIENT_SECRET):
        yield Error(
            "OIDC_ISSUER is set, but OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is not.",
            hint="Register Attune with the provider at the address …/admin/sso/callback/, and set "
            "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET_FILE.",
            id="attune.E006",
        )
    unknown = set(settings.OIDC_GROUPS.values()) - set(roles.ALL)
    if unknown or not settings.OIDC_GROUPS:
        wrong = f"names unknown roles: {', '.join(sorted(unknown))}" if unknown else "is empty"
        yield Error(
            f"OIDC_GROUPS {wrong}, so the members of such groups cannot log in.",
            hint=f"Give each group a role ({', '.join(roles.ALL)}), "
            "e.g. OIDC_GROUPS=support=Agent,support-leads=Team lead",
            id="attune.E007",
        )


@register(CONFIGURATION)
def trusted_proxies(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    hint = "Name the proxy's address or network, e.g. TRUSTED_PROXIES=10.0.0.5,10.1.0.0/24"
    if wrong := [text for text in settings.TRUSTED_PROXIES if not _is_network(text)]:
        text = f"TRUSTED_PROXIES: {', '.join(wrong)} is neither an address nor a network."
        return [Error(text, hint=hint, id="attune.E008")]
    if settings.TRUSTED_PROXIES or not settings.SECURE_PROXY_SSL_HEADER:
        return []
    text = "BEHIND_TLS_PROXY=1 without TRUSTED_PROXIES: limits and logs see all visitors under "
    return [Warning(f"{text}one address, the proxy's.", hint=hint, id="attune.W011")]


def _is_network(text: str) -> bool:
    try:
        return bool(ip_network(text))
    except ValueError:
        return False


@register(CONFIGURATION)
def retention(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    redact, delete = settings.REDACT_AFTER_DAYS, settings.DELETE_AFTER_DAYS
    if min(redact, delete) >= 0 and (not redact or not delete or redact < delete):
        return []
    return [
        Error(
            f"REDACT_AFTER_DAYS={redact} and DELETE_AFTER_DAYS={delete} contradict each other.",
            hint="Deleted messages cannot be redacted: set a smaller REDACT_AFTER_DAYS, or 0.",
            id="attune.E003",
        )
    ]


@register(Tags.database)
def actions_without_endpoint(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Report actions that nothing carries out; runs with `migrate` and `check --database`."""
    from chatbot.models import Action

    if "default" not in (databases or ()) or Action._meta.db_table not in tables():
        return []
    silent = Action.objects.filter(active=True).exclude(endpoints__active=True)
    return [
        Warning(
            f"{action.inbox} does not offer “{action}”: no active endpoint carries it out.",
            hint=f"Choose one at /admin/chatbot/action/{action.id}/change/, or switch it off.",
            id="attune.W010",
        )
        for action in silent.select_related("inbox")
    ]


def tables() -> list[str]:
    return connection.introspection.table_names()


@register(FILES)
def model_files(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    chat = "chat-small" if settings.ATTUNE_MODEL == "small" else "chat"
    needed = ["encoder", *([chat] if settings.SLM_EMBEDDED else [])]
    missing = [name for name in needed if not catalogue.is_here(name)]
    found: list[CheckMessage] = []
    if missing:
        found.append(
            Warning(
                f"Model files are missing in {catalogue.models_dir()}: {', '.join(missing)}.",
                hint=f"Type: python manage.py models fetch {' '.join(missing)}",
                id="attune.W007",
            )
        )
    if not catalogue.is_here("large-reranker"):
        found.append(
            Info(
                "The large reranker is not installed; answers are less often right without it.",
                hint="Type: python manage.py models fetch large-reranker, and restart Attune.",
                id="attune.I003",
            )
        )
    return found


def _split(url: str) -> SplitResult | None:
    """Split a URL; None if it is not one, for example because its port is not a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
