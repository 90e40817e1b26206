"""Logging in and out, one's own password, and the language."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netty.archive.audit import AuditEvent, AuditKind
from netty.archive.users import MINIMUM_LENGTH, User
from netty.errors import UsageError
from netty.language import Language, mark
from netty.web.bulletin import SessionEnded
from netty.web.problems import Busy
from netty.web.reader import LANGUAGE_COOKIE, reader_of
from netty.web.site import Site, TheSite
from netty.web.visitor import AnyVisitor, LoggedIn, clear_session, is_secure, set_session

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

_WAITING_FOR_LOGIN: Final = 10.0
_A_YEAR: Final = 365 * 24 * 3600
# One sentence for a wrong name, a wrong password and a locked user: nobody learns which names there are.
_WRONG: Final = mark(
    "The user name or the password is wrong. After five failures the user is locked for five minutes; "
    "an administrator can set a new password at once."
)
_NOT_THE_SAME: Final = mark("The two new passwords differ.")
_OLD_WRONG: Final = mark("The present password is wrong.")
_NOT_NEW: Final = mark("Choose a password that differs from the present one.")

Text = Annotated[str, Form(max_length=256)]


@router.get("/login")
def login_page(request: Request, site: TheSite, visitor: AnyVisitor, next: str = "/") -> Response:
    """The form; whoever is logged in already goes on."""
    if visitor:
        return RedirectResponse(local_address(next), 303)
    return _login_form(request, site, next)


@router.post("/login")
async def log_in(
    request: Request, site: TheSite, name: Text = "", password: Text = "", next: Annotated[str, Form()] = "/"
) -> Response:
    """Check the password, start a session."""
    user = await check_password(site, name, password)
    if user is None:
        await run_in_threadpool(site.parts.audit.write, AuditEvent(AuditKind.LOGIN_FAILED, who=name[:64]))
        return await run_in_threadpool(_login_form, request, site, next, name, _WRONG)
    cookie, _ = await run_in_threadpool(site.parts.sessions.start, user, datetime.now(UTC))
    await run_in_threadpool(site.parts.audit.write, AuditEvent(AuditKind.LOGIN, who=user.name))
    response = RedirectResponse("/password" if user.must_change else local_address(next), 303)
    set_session(request, response, site, cookie)
    return response


async def check_password(site: Site, name: str, password: str) -> User | None:
    """The user, if the password is right; few are checked at once, because each check takes 64 MiB."""
    try:
        async with asyncio.timeout(_WAITING_FOR_LOGIN):
            await site.logins.acquire()
    except TimeoutError:
        raise Busy("Too many people log in just now. Try again in a moment.") from None
    try:
        return await run_in_threadpool(site.parts.users.check, name, password)
    finally:
        site.logins.release()


def _login_form(request: Request, site: Site, next: str, name: str = "", failure: str = "") -> Response:
    return site.pages.page(
        request,
        "login.html",
        status=401 if failure else 200,
        next=local_address(next),
        name=name,
        failure=reader_of(request.scope).say(failure),
    )


@router.post("/logout")
def log_out(request: Request, site: TheSite, visitor: AnyVisitor) -> Response:
    """End the session, on the server and in the browser."""
    if visitor:
        site.parts.sessions.end(visitor.cookie)
        site.parts.audit.write(AuditEvent(AuditKind.LOGOUT, who=visitor.name))
        site.publish(SessionEnded(visitor.key))
    response = RedirectResponse("/login", 303)
    clear_session(request, response, site)
    return response


@router.get("/password")
def password_page(request: Request, site: TheSite, visitor: LoggedIn) -> Response:
    """The form for one's own password."""
    return _password_form(request, site)


def _password_form(request: Request, site: Site, failure: str = "") -> Response:
    status = 400 if failure else 200
    return site.pages.page(request, "password.html", status, failure=failure, shortest=MINIMUM_LENGTH)


@router.post("/password")
async def change_password(
    request: Request, site: TheSite, visitor: LoggedIn, old: Text = "", new: Text = "", again: Text = ""
) -> Response:
    """Change one's own password. All sessions of the user end; this browser gets a new one."""
    reader = reader_of(request.scope)
    failure = ""
    if new != again:
        failure = reader.say(_NOT_THE_SAME)
    elif new == old:
        failure = reader.say(_NOT_NEW)
    elif await check_password(site, visitor.name, old) is None:
        failure = reader.say(_OLD_WRONG)
    if not failure:
        try:
            await run_in_threadpool(site.parts.users.set_password, visitor.name, new)
        except UsageError as error:
            failure = reader.render(error)
    if failure:
        return await run_in_threadpool(_password_form, request, site, failure)
    site.publish(SessionEnded(visitor.key))
    cookie = await run_in_threadpool(_start_again, site, visitor.name)
    response = RedirectResponse("/", 303)
    set_session(request, response, site, cookie)
    return response


def _start_again(site: Site, name: str) -> str:
    event = AuditEvent(AuditKind.USERS_CHANGED, who=name, detail={"user": name, "password": "changed by the user"})
    site.parts.audit.write(event)
    cookie, _ = site.parts.sessions.start(site.parts.users.get(name), datetime.now(UTC))
    return cookie


@router.post("/language")
async def choose_language(
    request: Request,
    site: TheSite,
    language: Annotated[Language, Form()],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Remember the reader's language in the browser."""
    response = RedirectResponse(local_address(next), 303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        language.value,
        max_age=_A_YEAR,
        path="/",
        secure=is_secure(request, site),
        httponly=True,
        samesite="lax",
    )
    return response


def local_address(address: str) -> str:
    """`address` where it stays on our own pages, else the front page: nobody is sent to another site."""
    parts = urlsplit(address)
    if (
        not address.startswith("/")
        or address.startswith(("//", "/\\"))
        or parts.netloc
        or parts.scheme
        or not address.isprintable()
    ):
        return "/"
    return address
