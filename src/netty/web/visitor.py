"""Who asks: the session's user and what the role allows. Every route says here what it demands."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, cast

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from netty.archive.users import Role, Session
from netty.web import csrf
from netty.web.problems import Forbidden, LoginRequired, PasswordMustChange, StaleForm
from netty.web.site import Site, TheSite

_SESSION_COOKIE: Final = "netty_session"
_VISIT_COOKIE: Final = "netty_visit"  # before the log-in: holds the secret of the log-in form's token
_MAY_FETCH: Final = frozenset({Role.OPERATOR, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Visitor:
    """A logged-in person."""

    session: Session
    cookie: str

    @property
    def name(self) -> str:
        """The user's name."""
        return self.session.user.name

    @property
    def key(self) -> str:
        """Names the session without being its secret."""
        return f"{self.session.user.id}/{self.session.started_at.timestamp()}"

    @property
    def role(self) -> Role:
        """The user's role."""
        return self.session.user.role

    @property
    def may_fetch(self) -> bool:
        """Whether searching and fetching is allowed."""
        return self.role in _MAY_FETCH

    @property
    def must_change(self) -> bool:
        """Whether the password is a one-time one."""
        return self.session.user.must_change


def visitor_in(request: Request) -> Visitor | None:
    """Who was found to ask; None where nobody is logged in, or nobody looked yet."""
    return cast("Visitor | None", getattr(request.state, "visitor", None))


def find_visitor(request: Request, site: TheSite) -> Visitor | None:
    """The session of the request's cookie, if there is one and it has not ended."""
    cookie = request.cookies.get(cookie_name(request, site, _SESSION_COOKIE), "")
    session = site.parts.sessions.find(cookie, datetime.now(UTC)) if cookie else None
    request.state.visitor = Visitor(session, cookie) if session else None
    request.state.had_session = bool(cookie)
    return visitor_in(request)


AnyVisitor = Annotated[Visitor | None, Depends(find_visitor)]


async def check_token(request: Request, visitor: AnyVisitor, site: TheSite) -> None:
    """Demand the CSRF token for every request that could change something; a dependency of the whole application."""
    if request.method in csrf.SAFE_METHODS:
        return
    headers = request.headers
    if csrf.comes_from_elsewhere(headers.get("origin"), headers.get("sec-fetch-site"), headers.get("host", "")):
        raise StaleForm
    token = headers.get(csrf.HEADER, "")
    if not token:
        form = await request.form(max_files=0, max_fields=50)
        token = str(form.get(csrf.FIELD, ""))
    if not csrf.is_valid_token(token, secret_of(request)):
        # Pressed after the session ended: say that, not that the page is forged.
        raise LoginRequired if visitor is None and request.state.had_session else StaleForm


def require_login(visitor: AnyVisitor) -> Visitor:
    """Anybody who is logged in, also with a one-time password."""
    if visitor is None:
        raise LoginRequired
    return visitor


def require_viewer(visitor: Annotated[Visitor, Depends(require_login)]) -> Visitor:
    """Anybody who may see patients."""
    if visitor.must_change:
        raise PasswordMustChange
    return visitor


def require_operator(visitor: Annotated[Visitor, Depends(require_viewer)]) -> Visitor:
    """Anybody who may search and fetch."""
    if not visitor.may_fetch:
        raise Forbidden("Your role sees, but does not fetch. Ask an operator.")
    return visitor


LoggedIn = Annotated[Visitor, Depends(require_login)]
Viewer = Annotated[Visitor, Depends(require_viewer)]
Operator = Annotated[Visitor, Depends(require_operator)]


def secret_of(request: Request) -> str:
    """From what the CSRF token is made: the session's own, before a log-in a random one that becomes a cookie."""
    if visitor := visitor_in(request):
        return visitor.session.csrf_token
    known = request.cookies.get(_VISIT_COOKIE, "")
    if not known:
        known = getattr(request.state, "new_visit", "") or secrets.token_urlsafe(24)
        request.state.new_visit = known
    return known


def is_secure(connection: HTTPConnection, site: Site) -> bool:
    """Whether cookies are marked Secure."""
    wanted = site.parts.settings.secure_cookie
    return connection.url.scheme == "https" if wanted == "auto" else wanted


def cookie_name(connection: HTTPConnection, site: Site, name: str) -> str:
    """With the prefix that keeps other hosts of a domain from setting it, where cookies are Secure (RFC 6265bis)."""
    return f"__Host-{name}" if is_secure(connection, site) else name


def set_session(request: Request, response: Response, site: Site, cookie: str) -> None:
    """Give the browser its session; it forgets it when it is closed."""
    response.set_cookie(
        cookie_name(request, site, _SESSION_COOKIE),
        cookie,
        path="/",
        secure=is_secure(request, site),
        httponly=True,
        samesite="lax",
    )


def clear_session(request: Request, response: Response, site: Site) -> None:
    """Take the session away from the browser."""
    response.delete_cookie(
        cookie_name(request, site, _SESSION_COOKIE),
        path="/",
        secure=is_secure(request, site),
        httponly=True,
        samesite="lax",
    )


def keep_visit(request: Request, response: Response) -> None:
    """Give the browser the secret of the token that this answer carries, where it has none yet."""
    if secret := getattr(request.state, "new_visit", ""):
        secure = is_secure(request, request.app.state.site)
        response.set_cookie(_VISIT_COOKIE, secret, path="/", secure=secure, httponly=True, samesite="lax")
