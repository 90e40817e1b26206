"""Makes HTML: Jinja2 with autoescape for every template, in the reader's language."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from netty.web.csrf import make_token
from netty.web.reader import reader_of, zone_of
from netty.web.table import cell_id
from netty.web.visitor import keep_visit, secret_of, visitor_in
from netty.web.words import CELL_WORDS, RETRIEVAL_WORDS, ROLE_WORDS

STATIC: Final = Path(__file__).with_name("static")
_TEMPLATES: Final = Path(__file__).with_name("templates")


class Pages:
    """Renders templates. What every page needs is added here: reader, visitor, token, addresses of static files."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            static=_static_addresses().__getitem__,
            query=lambda **values: urlencode({key: value for key, value in values.items() if value}),
            words=CELL_WORDS,
            retrieval_words=RETRIEVAL_WORDS,
            role_words=ROLE_WORDS,
            cell_id=cell_id,
        )

    def text(self, request: Request, template: str, **context: Any) -> str:
        """One template, rendered for whoever asks."""
        reader = reader_of(request.scope)
        return self._environment.get_template(template).render(
            _=reader.say,
            reader=reader,
            visitor=visitor_in(request),
            csrf=make_token(secret_of(request)),
            here=_here(request),
            zone=zone_of(datetime.now(UTC).astimezone()),
            **({"active": ""} | context),
        )

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """One template as an answer. The same address gives pages and, to htmx, parts of them; and two languages."""
        headers = {"vary": "HX-Request, Cookie, Accept-Language"}
        response = HTMLResponse(self.text(request, template, **context), status, headers)
        keep_visit(request, response)
        return response


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def asks_for_part(request: Request) -> bool:
    """Whether htmx asks, for a part of the page that it has."""
    return request.headers.get("hx-request") == "true"


class _StaticAddresses(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"/static/{name}"


def _static_addresses() -> _StaticAddresses:
    """Name to address: the content's hash stands in it, so that browsers keep a file for as long as it is the same."""
    addresses = _StaticAddresses()
    for file in STATIC.glob("*") if STATIC.is_dir() else ():
        if file.is_file():
            version = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            addresses[file.name] = f"/static/{file.name}?v={version}"
    return addresses
