"""Who may ask a server: hosts, origins and tokens, before anything else is done."""

import hmac
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# What needs no token: whether the server is well, and a page without any data.
_OPEN = ("/healthz", "/readyz", "/", "/favicon.ico")
_OPEN_FOLDERS = ("/page/", "/litert/")


class Guard:
    """Refuses requests by their headers alone; an ASGI application round another.

    Args:
        app: ASGI application.
        token: str or None. What requests must bring as `Authorization: Bearer TOKEN`.
        hosts: sequence of str. The names by which the server is reached; other `Host`
            headers are refused, so that a web page that gives its own name this
            machine's address reaches nothing. Empty: any.
        origins: sequence of str. Other web sites whose pages may ask, such as
            "https://example.org".
    """

    def __init__(
        self,
        app: Any,
        token: str | None = None,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
    ) -> None:
        self.app = app
        self._token = None if token is None else token.encode()
        self._hosts, self._origins = frozenset(hosts), frozenset(origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers, or lets the application do it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {
            name.lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self.app(scope, receive, send)
            return
        status, text = refusal
        body = json.dumps({"error": text}).encode()
        answer = [(b"content-type", b"application/json")]
        answer.append((b"content-length", str(len(body)).encode()))
        if status == 401:
            answer.append((b"www-authenticate", b"Bearer"))
        start = {"type": "http.response.start", "status": status, "headers": answer}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope, headers):
        """(status, text) of a request that is refused, or None."""
        host = headers.get(b"host", "")
        if self._hosts and _host_name(host) not in self._hosts:
            return 421, (
                f"This server is not {host[:100]!r}. It answers to"
                f" {', '.join(sorted(self._hosts))}; start it with --host for others."
            )
        origin = headers.get(b"origin")
        if origin is not None and origin not in self._origins:
            if urlsplit(origin).netloc.lower() != host.lower():
                return 403, (
                    "Pages of other sites may not ask this server."
                    " Start it with --allow-origin for them."
                )
        if self._token is None or _is_open(scope["path"]):
            return None
        kind, _, given = headers.get(b"authorization", "").partition(" ")
        # It takes as long for a token that is nearly right.
        same = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if kind.lower() == "bearer" and same:
            return None
        return 401, "Expected the header `Authorization: Bearer TOKEN` with the token."


def _host_name(host):
    """The name of a `Host` header without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_open(path):
    return path in _OPEN or path.startswith(_OPEN_FOLDERS)
