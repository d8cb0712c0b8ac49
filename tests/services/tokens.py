"""A small authorisation server: the client credentials grant of OAuth 2.0 with signed tokens (RS256), and its keys."""

import base64
import binascii
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

AUDIENCE = "vigil-test-kafka"
KEY_ID = "vigil-test-key"
LARGEST_REQUEST = 65_536


class TokenServer:
    """Issues tokens at `token_url` to the one client it knows, and shows its public key at `keys_url`.

    Runs in a thread of this process until `close`. `lifetime_s` is how long a token is good; `issued` counts them.
    """

    def __init__(self, client_id: str, client_secret: str, lifetime_s: int = 3_600) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.lifetime_s = lifetime_s
        self.issued = 0
        self._key = generate_private_key(public_exponent=65_537, key_size=2_048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.token_url = f"{self.issuer}/token"
        self.keys_url = f"{self.issuer}/keys"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def keys(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        return {"keys": [key]}

    def grant(self, form: dict[str, str], client: tuple[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and answer to a request for a token."""
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if client != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        scope = form.get("scope", "")
        self.issued += 1
        granted = {"access_token": self.token(scope), "token_type": "Bearer", "expires_in": self.lifetime_s}
        return 200, granted | ({"scope": scope} if scope else {})

    def token(self, scope: str = "", **other_claims: object) -> str:
        """A signed token for the client; other claims replace its own."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": self.client_id,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.lifetime_s,
            "jti": str(uuid.uuid4()),
            "scope": scope,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims | other_claims))
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


def _handler(tokens: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/keys":
                self._say(200, tokens.keys())
            else:
                self._say(404, {"error": "not_found"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if self.path != "/token" or length > LARGEST_REQUEST:
                self._say(404, {"error": "not_found"})
                return
            fields = parse_qs(self.rfile.read(length).decode())
            form = {name: values[0] for name, values in fields.items()}
            self._say(*tokens.grant(form, self._client(form)))

        def _client(self, form: dict[str, str]) -> tuple[str, str]:
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "basic":
                return form.get("client_id", ""), form.get("client_secret", "")
            try:
                name, _, secret = base64.b64decode(given).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return unquote_plus(name), unquote_plus(secret)

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
