"""Settings read from environment variables, and errors that name the wrong variable.

A secret may also come from a file: NAME_FILE is the path of a file that holds the value of NAME.
"""

import os
import re
import secrets
from math import isfinite, nan
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

PERCENT_ENCODE = "percent-encode the password: replace / # ? [ ] @ % in it (/ is %2F, # is %23)"

# A name or an IPv4 address, or an IPv6 address in brackets; perhaps a port.
HOST = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def env(name: str, default: str = "") -> str:
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error}.") from error
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    value = env(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in {"1", "true", "yes"}


def env_number(name: str, default: float, least: float = 0) -> float:
    value = env(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = nan
    if not isfinite(number) or number < least:
        text = f"{name} must be a number, {least:g} or more, not {value!r}."
        raise ImproperlyConfigured(text)
    return number


def env_int(name: str, default: int, least: int = 0) -> int:
    number = env_number(name, default, least)
    if not number.is_integer():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {number}.")
    return int(number)


def noted_port(path: Path, otherwise: int) -> int:
    """Read the port that a process has noted in a file. A damaged file counts as missing: the
    process writes it anew at its next start."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return otherwise
    is_port = text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65_536
    return int(text) if is_port else otherwise


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def env_hosts(name: str) -> list[str]:
    """Return hosts, each perhaps with a port."""
    hosts = [host.lower().rstrip(".") for host in env_list(name)]
    if wrong := [host for host in hosts if not HOST.fullmatch(host)]:
        text = f"{name} must be written like help.intranet,wiki.intranet:8080, not {wrong[0]!r}."
        raise ImproperlyConfigured(text)
    return hosts


def env_choice(name: str, default: str, *others: str) -> str:
    value = env(name, default)
    if value not in {default, *others}:
        known = " or ".join(filter(None, (default, *others)))
        raise ImproperlyConfigured(f"{name} must be {known}, not {value!r}.")
    return value


def env_zone(name: str, default: str) -> str:
    value = env(name, default)
    try:
        return ZoneInfo(value).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        text = f"{name} must be a time zone like Europe/Berlin, not {value!r}."
        raise ImproperlyConfigured(text) from None


def env_pairs(name: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in env_list(name)]
    if not all(key.strip() and value.strip() for key, _, value in pairs):
        raise ImproperlyConfigured(f"{name} must be written like one=Agent,another=Team lead.")
    return {key.strip(): value.strip() for key, _, value in pairs}


def data_dir(default: Path) -> Path:
    path = Path(env("DATA_DIR", str(default))).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR={path} cannot be created: {error}.") from error
    return path


def secret_key(folder: Path) -> str:
    """Return SECRET_KEY, or a key that is made once and kept in the folder."""
    if value := env("SECRET_KEY"):
        return value
    path = folder / "secret_key"
    if not path.exists():
        # Two processes may start at once: with a link, the first complete file wins.
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def taken_apart(url: str) -> SplitResult:
    """Split a URL. A ValueError means that it is malformed, or that a character of the password has
    ended a part early; its message quotes no part, since that may be the password."""
    authority, *rest = re.split("[/?#]", url.partition("://")[2], maxsplit=1)
    if "@" in "".join(rest) or set("[]") & set(authority.rpartition("@")[0]):
        raise ValueError(f"it cannot be parsed: {PERCENT_ENCODE}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("its port is not a number up to 65535") from None
    return parts


def database(url: str, pool: int) -> dict[str, object]:
    try:
        parts = taken_apart(url) if not url.startswith("sqlite:") else urlsplit(url)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL must be like postgresql://user:password@host:5432/name: {error}."
        ) from None
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "OPTIONS": {
                "pool": {"min_size": 1, "max_size": pool, "timeout": 10},
                # Compiling a query takes longer than running any of these queries, and so does
                # planning it: PostgreSQL keeps the plans of queries that a connection repeats.
                "options": "-c jit=off",
                "server_side_binding": True,
                "prepare_threshold": 3,
                # Such as sslmode.
                **dict(parse_qsl(parts.query)),
            },
        }
    raise ImproperlyConfigured(
        f"DATABASE_URL must start with sqlite:// or postgresql://, not {parts.scheme!r}."
    )
