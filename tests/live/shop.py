"""A shop that one test has for itself on the site that all share: an inbox, a page with the widget,
customers and agents. What others leave behind is not in it.

The inbox has a team, so that a colleague of another test who is online is not there for it.
"""

import html
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from tests.live.site import Site

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fernhill</title></head>
<body><h1>Fernhill</h1>
<script src="{site}/widget.js" data-inbox="{key}" data-identity="{token}" defer></script>
</body></html>"""
OPEN = """
from chatbot.models import Inbox, Team
inbox = Inbox.objects.create(key=key, name=key, origins=[origin], learning=True)
Team.objects.create(name=key).inboxes.add(inbox)
result = inbox.secret
"""
CLOSE = """
from chatbot.people import presence
from chatbot.models import Conversation, Presence
Presence.objects.filter(user__teams__name=key).delete()
Conversation.objects.filter(visitor__inbox__key=key).update(state="closed", agent=None)
"""
CUSTOMER = """
from crm.models import Customer
Customer.objects.create(id=id, name=name)
"""
RECORD = """
from crm.knowledge.records import import_records
report = import_records([record])
assert report.created == 1, report
"""
AGENT = """
from django.contrib.auth.models import Group, Permission, User
from chatbot.models import Team
user = User.objects.create_user(name, first_name=first, is_staff=True)
user.groups.set(Group.objects.filter(name__in=roles))
user.user_permissions.set(Permission.objects.filter(codename__in=rights))
user.teams.add(Team.objects.get(name=key))
"""
SESSION = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get(username=name), "chatbot.people.demo_logins.Backend")
result = client.cookies["sessionid"].value
"""
RESOLVE = """
from django.contrib.auth.models import User
from chatbot.conversation import agents
from chatbot.models import Conversation
talk = Conversation.objects.exclude(state="closed").get(visitor__customer=customer)
agents.resolve(talk, User.objects.get(username=agent))
"""


# Digits in a row would be taken out of what is kept as personal data.
LETTERS = str.maketrans("0123456789", "ghijklmnop")


def unique(name: str) -> str:
    return name + uuid.uuid4().hex[:8].translate(LETTERS)


class Street:
    """The web server of all shops: on another port, and so another origin, than the site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.secrets: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def page(self, path: str) -> str:
        """/KEY/?customer=ID: the shop, with that customer signed in."""
        parts = urlsplit(path)
        key = parts.path.strip("/")
        customer = parse_qs(parts.query).get("customer", [""])[0]
        ends = datetime.now(UTC) + timedelta(minutes=5)
        claims = {"sub": customer, "aud": key, "exp": ends}
        token = jwt.encode(claims, self.secrets[key], algorithm="HS256") if customer else ""
        return PAGE.format(site=self.site.url, key=html.escape(key), token=token)

    def handler(street) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = urlsplit(self.path).path.strip("/") in street.secrets
                self.send_response(200 if known else 404)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.end_headers()
                if known:
                    self.wfile.write(street.page(self.path).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        return Handler


@dataclass
class Shop:
    street: Street
    key: str = field(default_factory=lambda: unique("shop"))
    agents: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.street.site

    def open(self) -> "Shop":
        secret = self.site.run(OPEN, key=self.key, origin=self.street.origin)
        self.street.secrets[self.key] = secret
        return self

    def close(self) -> None:
        """Nobody waits here any more, calls for anybody, or is there."""
        self.site.run(CLOSE, key=self.key)

    @property
    def url(self) -> str:
        """As `visit` takes it."""
        return f"{self.street.origin}/{self.key}"

    def customer(self, name: str = "") -> str:
        """The id of a new customer."""
        id = unique("cust_")
        self.site.run(CUSTOMER, id=id, name=name)
        return id

    def record(self, customer: str, kind: str, **fields: str) -> str:
        """The number of a new record of the customer's: what its id ends with."""
        number = f"{uuid.uuid4().int % 10**8:08}"
        record = {"id": f"{kind}:{number}", "kind": kind, "customer": customer, "fields": fields}
        record |= {"title": f"{kind.capitalize()} {number}", "updated_at": "2026-11-01T00:00:00Z"}
        self.site.run(RECORD, record=record)
        return number

    def agent(
        self, name: str, roles: Sequence[str] = ("Agent",), rights: Sequence[str] = ()
    ) -> str:
        """The user name of this shop's own Dora; once, however often she is asked for."""
        if name not in self.agents:
            self.agents[name] = user = unique(name.lower())
            self.site.run(AGENT, key=self.key, name=user, first=name, roles=roles, rights=rights)
        return self.agents[name]

    def session(self, user: str) -> dict[str, str]:
        """The cookie of somebody who has logged in."""
        return {
            "name": "sessionid",
            "value": self.site.run(SESSION, name=user),
            "url": self.site.url,
        }

    def resolve(self, customer: str) -> None:
        """Somebody of the team ends the customer's conversation."""
        self.site.run(RESOLVE, customer=customer, agent=self.agent("Robin"))
