"""Puts the pages together: the application that the gateway serves."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import netty
from netty.errors import NettyError
from netty.web import api, events, jobs, login, patients, quarantine, remotes, studies
from netty.web.bulletin import Bulletin
from netty.web.guard import SAFETY_HEADERS, BodyLimit, HostGuard, SafetyHeaders
from netty.web.pages import STATIC, Pages, asks_for_part
from netty.web.parts import WebParts
from netty.web.problems import (
    NOT_HERE,
    UNFORESEEN,
    UNFORESEEN_DETAIL,
    Kind,
    LoginRequired,
    NotFound,
    PasswordMustChange,
    http_kind,
    kind_of,
)
from netty.web.progress import Progress
from netty.web.reader import reader_of
from netty.web.searches import Searches
from netty.web.site import Site
from netty.web.views import Views
from netty.web.visitor import AnyVisitor, check_token

log = logging.getLogger(__name__)

_ROUTERS: Final = (
    login.router,
    events.router,
    patients.router,
    studies.router,
    jobs.router,
    remotes.router,
    quarantine.router,
    api.router,
)


def create_app(parts: WebParts) -> FastAPI:
    """The application: all pages and the REST interface.

    While it runs, ``app.state.site`` is its `Site`; whoever stops the server calls ``app.state.bulletin.close()``
    first, so that the open event streams end.
    """
    bulletin = Bulletin()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        searches = Searches(parts.linkage, bulletin)
        loop = asyncio.get_running_loop()
        app.state.site = Site(parts, Pages(), bulletin, searches, Views(parts.audit), loop)
        progress = asyncio.create_task(Progress(parts.retrievals, bulletin, parts.settings.refresh).run())
        try:
            yield
        finally:
            bulletin.close()
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)
            await searches.stop()

    app = FastAPI(
        title="netty",
        version=netty.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # api.py gives it to those who are logged in
        redirect_slashes=False,
        dependencies=[Depends(check_token)],
        lifespan=lifespan,
    )
    app.state.bulletin = bulletin
    app.include_router(_health())
    for router in _ROUTERS:
        app.include_router(router)
    if STATIC.is_dir():
        app.mount("/static", _StaticFiles(directory=STATIC))
    else:
        log.warning("the pages' script and style are not built: run `make` once, or install the wheel")
    app.include_router(_rest())
    app.add_exception_handler(NettyError, _on_netty_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_unforeseen)
    # The last one added is the first one passed.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(BodyLimit)
    app.add_middleware(HostGuard, settings=parts.settings)
    app.add_middleware(SafetyHeaders)
    return app


def _health() -> APIRouter:
    """For whoever watches the service; says nothing about patients."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def alive() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @router.get("/readyz")
    def ready(request: Request) -> Response:
        """The database answers too."""
        try:
            request.app.state.site.parts.remotes.list()
        except NettyError:
            log.warning("not ready: the database does not answer")
            return PlainTextResponse("not ready\n", 503)
        return PlainTextResponse("ok\n")

    return router


def _rest() -> APIRouter:
    """Every other address: not found, on a page that knows who asks."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{rest:path}")
    async def nothing_here(visitor: AnyVisitor, rest: str) -> Response:
        raise NotFound(NOT_HERE)

    return router


class _StaticFiles(StaticFiles):
    """Static files; one that is asked for with its version never changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


def _on_netty_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, NettyError)
    kind = kind_of(error)
    if kind.status >= 500:
        log.error("%s: %r", kind.code, str(error))
    if not _is_api(request):
        if isinstance(error, LoginRequired):
            return _to_login(request)
        if isinstance(error, PasswordMustChange):
            return _go(request, "/password")
    return _problem(request, kind, reader_of(request.scope).render(error))


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reader = reader_of(request.scope)
    kind = http_kind(error.status_code)
    detail = reader.say(NOT_HERE) if error.status_code == 404 else reader.say(str(error.detail))
    return _problem(request, kind, detail, dict(error.headers or {}))


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    names = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    detail = reader_of(request.scope).say("Not understood: {names}.", names=names)
    return _problem(request, http_kind(400), detail)


def _on_unforeseen(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    # The exception itself is logged by the server, with its place; this line ties it to what the person sees.
    log.error("unforeseen %s number %s: %s", request.method, number, type(error).__name__)
    detail = reader_of(request.scope).say(UNFORESEEN_DETAIL, number=number)
    response = _problem(request, UNFORESEEN, detail)
    for name, value in SAFETY_HEADERS.items():  # this answer is made outside of the middleware
        response.headers.setdefault(name, value)
    return response


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _to_login(request: Request) -> Response:
    """To the log-in, and from there back to where one was."""
    wanted = urlsplit(request.headers.get("hx-current-url", "")).path if asks_for_part(request) else ""
    if not wanted and request.method in ("GET", "HEAD"):
        wanted = request.url.path
    if request.url.path.startswith("/renditions/") or request.url.path.endswith("/events"):
        return PlainTextResponse("login required\n", 401)
    return _go(request, f"/login?{urlencode({'next': wanted})}" if wanted not in ("", "/") else "/login")


def _go(request: Request, address: str) -> Response:
    if asks_for_part(request):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _problem(request: Request, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    title = reader_of(request.scope).say(kind.title)
    if _is_api(request):
        document = {"type": "about:blank", "title": title, "status": kind.status, "code": kind.code, "detail": detail}
        return JSONResponse(document, kind.status, headers, "application/problem+json")
    pages = request.app.state.site.pages
    template = "problem_notice.html" if asks_for_part(request) else "problem.html"
    response: Response = pages.page(request, template, kind.status, title=title, detail=detail)
    response.headers.update(headers or {})
    return response
