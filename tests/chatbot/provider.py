"""An OpenID Connect provider on loopback, of one user who is always logged in; its code flow, keys
and claims are as the specification has them, unless a test bends them."""

import json
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLIENT, SECRET = "attune", "the-clients-secret"


class Provider:
    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        # What the tests bend: claims of the ID token (None: left out), its key, the discovery.
        self.claims: dict[str, Any] = {}
        self.key: Any = KEY
        self.discovery: dict[str, str] = {}
        self.asked: list[str] = []
        # code -> what was asked for with it
        self.codes: dict[str, dict[str, str]] = {}
        Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def handler(provider) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                parts = urlsplit(self.path)
                if parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(dict(parse_qsl(parts.query))))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif parts.path == "/.well-known/openid-configuration":
                    self.answer(200, provider.described())
                elif parts.path == "/jwks":
                    self.answer(200, provider.keys())
                else:
                    self.answer(404, {})

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {name: values[0] for name, values in parse_qs(body).items()}
                self.answer(*provider.token(asked))

            def answer(self, status: int, found: dict[str, Any]) -> None:
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Not to the tests' output."""

        return Handler

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.discovery

    def keys(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent with a code: back to the client."""
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        query = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(query)}"

    def token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        begun = self.codes.pop(asked.get("code", ""), None)
        verifier = sha256(asked.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or asked.get("client_secret") != SECRET
            or asked.get("redirect_uri") != begun["redirect_uri"]
            or urlsafe_b64encode(verifier).rstrip(b"=").decode() != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        id_token = self.id_token(begun["nonce"])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": id_token}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        given = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return jwt.encode(given, self.key, algorithm="RS256", headers={"kid": "one"})
