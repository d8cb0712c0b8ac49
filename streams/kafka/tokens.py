"""Tokens for OAUTHBEARER: the client credentials grant, for both Kafka clients."""

import asyncio
import base64
import http.client
import ssl
import threading
from typing import Annotated
from urllib.parse import quote_plus, urlencode, urlsplit

import aiokafka.abc
import kafka.net.sasl.oauth
import msgspec
from msgspec import Meta, Struct

from streams.clock import monotonic
from streams.kafka.refusal import RefusedError
from streams.settings import HIDDEN, OAuth, hide_credentials

TIMEOUT_S = 10.0
_ANSWER_BYTES_MAX = 1 << 20
_SAID_CHARACTERS_MAX = 200
_OK = 200
_EARLY_S = 30.0
_EARLY_SHARE = 0.2


class _Granted(Struct):
    """RFC 6749, 5.1; without a lifetime a token is used once."""

    access_token: Annotated[str, Meta(min_length=1)]
    expires_in: float = 0.0


class _Denied(Struct):
    """RFC 6749, 5.2."""

    error: str = ""
    error_description: str = ""


class Tokens:
    """The token of a client, asked for anew shortly before it expires; threads may share it.

    `context` is for token servers with https.
    """

    def __init__(self, oauth: OAuth, context: ssl.SSLContext) -> None:
        self._oauth, self._context = oauth, context
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """A token that is good for a while.

        Raises:
            RefusedError: the token server cannot be reached, or what it answered.
        """
        with self._lock:
            asked_at = monotonic()
            if not self._token or asked_at >= self._renew_at:
                granted = self._ask()
                self._token = granted.access_token
                self._renew_at = asked_at + granted.expires_in - min(_EARLY_S, _EARLY_SHARE * granted.expires_in)
            return self._token

    def _ask(self) -> _Granted:
        url = self._oauth.token_url
        try:
            status, body = self._post()
        except ssl.SSLCertVerificationError as error:
            expected = f"an authority that vouches for {hide_credentials(url)}"
            raise RefusedError("$.kafka.security.ca_file", expected, error.verify_message) from None
        except (OSError, http.client.HTTPException) as error:
            got = f"{type(error).__name__}: {error}"
            raise self._refused("token_url", "a token server that answers", got) from None
        if status != _OK:
            raise self._denied(status, body)
        try:
            return msgspec.json.decode(body, type=_Granted)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._refused("token_url", "JSON with an access_token", f"{len(body)} bytes of else") from None

    def _post(self) -> tuple[int, bytes]:
        """One request, which follows no redirection: the secret is for this server."""
        url = urlsplit(self._oauth.token_url)
        host, port = url.hostname or "", url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._context)
            if url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        )
        try:
            connection.request("POST", f"{url.path or '/'}{'?' * bool(url.query)}{url.query}", *self._request())
            answer = connection.getresponse()
            return answer.status, answer.read(_ANSWER_BYTES_MAX)
        finally:
            connection.close()

    def _request(self) -> tuple[str, dict[str, str]]:
        """Body and headers, with the client's name and secret as RFC 6749 has them in 2.3.1."""
        scope = {"scope": self._oauth.scope} if self._oauth.scope else {}
        proof = f"{quote_plus(self._oauth.client_id)}:{quote_plus(self._oauth.client_secret)}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(proof.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return urlencode({"grant_type": "client_credentials"} | scope), headers

    def _denied(self, status: int, body: bytes) -> RefusedError:
        try:
            denied = msgspec.json.decode(body, type=_Denied)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            denied = _Denied()
        said = " ".join(filter(None, [str(status), denied.error, denied.error_description]))
        if status in {400, 401, 403}:
            expected = f"client_id {self._oauth.client_id}, its client_secret and a scope that are known there"
            return self._refused("client_secret", expected, said)
        return self._refused("token_url", "a token server that grants", said)

    def _refused(self, field: str, expected: str, got: str) -> RefusedError:
        for secret in filter(None, [self._oauth.client_secret, quote_plus(self._oauth.client_secret)]):
            got = got.replace(secret, HIDDEN)
        by = hide_credentials(self._oauth.token_url)
        printable = "".join(each if each.isprintable() else " " for each in got)[:_SAID_CHARACTERS_MAX]
        return RefusedError(f"$.kafka.security.oauth.{field}", expected, f"{printable} from {by}")


class KafkaPythonTokens(kafka.net.sasl.oauth.AbstractTokenProvider):  # type: ignore[misc]
    """Tokens as kafka-python asks for them: in its own thread, which waits."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def token(self) -> str:
        """A token that is good for a while."""
        return self._tokens.token()


class AiokafkaTokens(aiokafka.abc.AbstractTokenProvider):  # type: ignore[misc]
    """Tokens as aiokafka asks for them: in an event loop, which must not wait."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def token(self) -> str:
        """A token that is good for a while."""
        return await asyncio.to_thread(self._tokens.token)
