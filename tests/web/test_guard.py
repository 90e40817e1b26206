"""What every request passes: host names, body sizes, the token."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from netty.web import csrf
from netty.web.guard import SAFETY_HEADERS, BodyLimit, HostGuard, SafetyHeaders, host_name
from netty.web.settings import WebSettings


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _client(app: ASGIApp) -> TestClient:
    return TestClient(app, base_url="http://localhost")


def _app() -> Starlette:
    return Starlette(routes=[Route("/", _length, methods=["GET", "POST"])])


@pytest.mark.parametrize(
    ("settings", "name", "served"),
    [
        (WebSettings(), "localhost", True),
        (WebSettings(), "LOCALHOST.", True),
        (WebSettings(), "127.0.0.1", True),
        (WebSettings(), "::1", True),
        (WebSettings(), "attacker.example", False),
        (WebSettings(), "localhost.attacker.example", False),
        (WebSettings(), "192.0.2.7", False),
        (WebSettings(host="0.0.0.0"), "192.0.2.7", True),  # an address cannot be rebound
        (WebSettings(host="0.0.0.0"), "attacker.example", False),
        (WebSettings(host="192.0.2.7"), "192.0.2.7", True),
        (WebSettings(allowed_hosts=("netty.Hospital.example",)), "netty.hospital.example", True),
    ],
)
def test_only_our_own_names_are_served(settings: WebSettings, name: str, served: bool) -> None:
    assert settings.serves(name) is served


@pytest.mark.parametrize(
    ("header", "name"),
    [("localhost", "localhost"), ("localhost:8080", "localhost"), ("[::1]:8080", "::1"), ("[::1]", "::1"), ("", "")],
)
def test_the_port_is_no_part_of_the_name(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(("host", "status"), [("localhost:8080", 200), ("attacker.example", 421), ("", 400)])
def test_a_foreign_host_is_refused(host: str, status: int) -> None:
    client = _client(HostGuard(_app(), WebSettings()))

    assert client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
def test_a_body_that_is_announced_too_large_is_refused(size: int, status: int) -> None:
    assert _client(BodyLimit(_app(), largest=10)).post("/", content=b"x" * size).status_code == status


def test_a_body_that_grows_too_large_is_refused() -> None:
    client = _client(BodyLimit(_app(), largest=10))

    assert client.post("/", content=iter([b"x" * 6, b"x" * 6])).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "٣"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    headers = {"content-length": length.encode("utf-8")}

    assert _client(BodyLimit(_app())).post("/", content=b"", headers=headers).status_code == 413  # type: ignore[arg-type]


def test_every_answer_carries_the_headers_of_safety() -> None:
    answer = _client(SafetyHeaders(_app())).get("/")

    assert {name: answer.headers.get(name) for name in SAFETY_HEADERS} == dict(SAFETY_HEADERS)


def test_a_token_is_valid_for_its_own_secret_only() -> None:
    token = csrf.make_token("secret")

    assert csrf.is_valid_token(token, "secret")
    assert not csrf.is_valid_token(token, "other")
    assert not csrf.is_valid_token(token, "")


def test_two_tokens_of_one_secret_differ() -> None:
    assert csrf.make_token("secret") != csrf.make_token("secret")


@pytest.mark.parametrize("token", ["", ".", "a.b", "é.é", "a" * 10_000])
def test_what_is_no_token_is_not_valid(token: str) -> None:
    assert not csrf.is_valid_token(token, "secret")


@pytest.mark.parametrize(
    ("origin", "site", "elsewhere"),
    [
        (None, None, False),
        ("null", None, False),
        ("http://localhost:8080", None, False),
        ("http://LOCALHOST:8080", "same-origin", False),
        ("http://attacker.example", None, True),
        ("http://localhost:9999", None, True),
        ("null", "cross-site", True),
        (None, "same-site", True),
    ],
)
def test_a_request_that_the_browser_says_comes_from_elsewhere(
    origin: str | None, site: str | None, elsewhere: bool
) -> None:
    assert csrf.comes_from_elsewhere(origin, site, "localhost:8080") is elsewhere
