"""What every request and every response passes: the Host check, the limit on bodies, the headers of safety.

Plain ASGI, because they must hold for whatever the application does, static files and errors included.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netty.language import mark
from netty.web.reader import reader_of
from netty.web.settings import WebSettings

SAFETY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Names and pictures of patients stay in no cache; what may be kept (JPEG, script) says so itself.
    "cache-control": "no-store",
}

LARGEST_BODY: Final = 64 * 1024  # forms only
BODY_SECONDS: Final = 20.0  # for the whole body, so that a slow sender holds nothing


class SafetyHeaders:
    """Adds `SAFETY_HEADERS` to every response that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFETY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HostGuard:
    """Refuses requests for another site's name (DNS rebinding): 421, Misdirected Request (RFC 9110 15.5.20)."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request, or refuse it."""
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or not (name := host_name(hosts[0])):
                await _refuse(scope, receive, send, 400, mark("The request names no host, or more than one."))
                return
            if not self._settings.serves(name):
                sentence = mark("netty does not go by this address. Add its host name to allowed_hosts in [web].")
                await _refuse(scope, receive, send, 421, sentence)
                return
        await self._app(scope, receive, send)


def host_name(host: str) -> str:
    """The name of a Host header without its port and brackets: ``[::1]:8080`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


class BodyLimit:
    """Refuses bodies that are too large, announced or not, and gives up on those that do not come in time."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._largest = largest
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isascii() or not announced.isdigit() or int(announced) > self._largest:
            await _refuse(scope, receive, send, 413, TOO_LARGE)
            return
        deadline = asyncio.get_running_loop().time() + self._seconds
        taken, complete = 0, False

        async def receive_within_limits() -> Message:
            nonlocal taken, complete
            if complete:
                return await receive()  # waits for the end of the connection, for as long as it takes
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, mark("The request did not arrive in time.")) from None
            taken += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if taken > self._largest:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, receive_within_limits, send)


TOO_LARGE: Final = mark("The request is too large.")


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    await PlainTextResponse(f"{reader_of(scope).say(sentence)}\n", status)(scope, receive, send)
