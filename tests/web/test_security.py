"""Who may do what: every route for every kind of visitor; foreign hosts, forged forms, and names that are scripts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from netty.archive.audit import AuditKind
from netty.archive.users import FAILURES_BEFORE_LOCK, Role
from netty.model.found import FoundStudy
from netty.web.guard import SAFETY_HEADERS
from netty.web.login import local_address
from netty.web.parts import Linkage
from netty.web.settings import WebSettings
from netty.workflow.linkage import LinkView
from support.pages import PASSWORD, ROOT, XSS, Town, browsing, fresh_token, log_in, make_study, opened, token_in

STUDY = f"{ROOT}.1"
SERIES = f"{STUDY}.1"
IMAGE = f"{SERIES}.1"

# Address: what a viewer gets for a GET.
PAGES = {
    "/": 200,
    "/patients/P001": 200,
    "/patients/P001/table": 200,
    f"/studies/{STUDY}": 200,
    f"/studies/{STUDY}/series/{SERIES}": 200,
    f"/studies/{STUDY}/series/{SERIES}/images/{IMAGE}": 200,
    f"/open?study={STUDY}": 303,
    "/renditions/1": 200,
    "/jobs": 200,
    "/remotes": 200,
    "/password": 200,
    "/api/v1/patients": 200,
    "/api/v1/patients/P001": 200,
    "/api/v1/retrievals": 200,
    f"/api/v1/studies/{STUDY}": 200,
    "/api/v1/openapi.json": 200,
}
# Address: what an operator gets for a GET; a viewer gets 403.
OPERATOR_PAGES = {
    "/quarantine": 200,
    "/quarantine/q1": 200,
    "/quarantine/q1/picture": 200,
    "/api/v1/quarantine": 200,
}
STREAMS = ("/patients/P001/events", "/jobs/events", "/api/v1/events")
ABSENT = (
    "/patients/P999",
    "/patients/P999/table",
    "/patients/P999/events",
    "/studies/1.2.3",
    f"/studies/{STUDY}/series/1.2.3",
    f"/studies/{STUDY}/series/{SERIES}/images/1.2.3",
    "/open?study=1.2.3",
    "/renditions/999999",
    "/renditions/99999999999999999999",
    "/renditions/0",
    "/api/v1/patients/P999",
    "/api/v1/studies/1.2.3",
    "/nothing",
    "/static/../app.py",
    "/static/nothing.js",
)
# Address: the least role, and the fields of the form.
ACTIONS: dict[str, tuple[Role | None, dict[str, str]]] = {
    "/patients/P001/search": (Role.OPERATOR, {}),
    "/patients/P001/fetch": (Role.OPERATOR, {}),
    "/jobs/none/cancel": (Role.OPERATOR, {}),
    "/api/v1/patients/P001/search": (Role.OPERATOR, {}),
    "/api/v1/retrievals": (Role.OPERATOR, {"patient": "P001"}),
    "/quarantine/release": (Role.OPERATOR, {"ids": "q1", "sure": "true"}),
    "/quarantine/discard": (Role.OPERATOR, {"ids": "q1", "sure": "true"}),
    "/api/v1/quarantine/release": (Role.OPERATOR, {"ids": "q1"}),
    "/api/v1/quarantine/discard": (Role.OPERATOR, {"ids": "q1"}),
    "/password": (Role.VIEWER, {}),
    "/login": (None, {}),
    "/logout": (None, {}),
    "/language": (None, {"language": "en"}),
}
OPEN_TO_ALL = ("/login", "/healthz", "/readyz")


@pytest.fixture(scope="module")
def anonymous(town: Town) -> Iterator[TestClient]:
    with browsing(town.app()) as client:
        yield client


@pytest.fixture(scope="module")
def viewer(town: Town) -> Iterator[TestClient]:
    with browsing(town.app(), "viewer") as client:
        yield client


def test_every_route_stands_in_these_tables(town: Town) -> None:
    """A new route must say here for whom it is."""
    known = {address.partition("?")[0] for address in (*PAGES, *OPERATOR_PAGES, *STREAMS, *ACTIONS, *OPEN_TO_ALL)}
    paths = {route.path: route.path_regex for route in _routes(town)}

    assert not [path for path, regex in paths.items() if not any(map(regex.fullmatch, known))]


def _routes(town: Town) -> list[APIRoute]:
    found: list[APIRoute] = []

    def collect(routes: Any) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                found.append(route)
            elif inner := getattr(route, "original_router", None):
                collect(inner.routes)

    collect(town.app().routes)
    assert len(found) > 20
    return found


@pytest.mark.parametrize("address", [*PAGES, *OPERATOR_PAGES, *STREAMS])
def test_nobody_sees_anything_without_a_login(anonymous: TestClient, address: str) -> None:
    answer = anonymous.get(address, follow_redirects=False)

    assert answer.status_code in (303, 401)
    assert "Yamada" not in answer.text and "山田" not in answer.text
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("address", PAGES)
def test_a_viewer_sees_every_page(viewer: TestClient, address: str) -> None:
    assert viewer.get(address, follow_redirects=False).status_code == PAGES[address]


@pytest.mark.parametrize("address", OPERATOR_PAGES)
def test_the_quarantine_is_for_those_who_may_decide(town: Town, viewer: TestClient, address: str) -> None:
    answer = viewer.get(address, follow_redirects=False)
    assert answer.status_code == 403
    assert "0099999" not in answer.text
    for role in ("operator", "admin"):
        with browsing(town.app(), role) as client:
            assert client.get(address, follow_redirects=False).status_code == OPERATOR_PAGES[address]


@pytest.mark.parametrize("address", OPEN_TO_ALL)
def test_the_login_and_the_probes_are_open_to_all(anonymous: TestClient, address: str) -> None:
    assert anonymous.get(address).status_code == 200


@pytest.mark.parametrize("address", ABSENT)
def test_what_is_absent_is_not_found_and_says_no_more(viewer: TestClient, address: str) -> None:
    answer = viewer.get(address, follow_redirects=False)

    assert answer.status_code in (400, 404)
    assert "P001" not in answer.text  # no nearest key


@pytest.mark.parametrize("address", [*PAGES, *ABSENT, *OPEN_TO_ALL])
def test_every_answer_carries_the_headers_of_safety(viewer: TestClient, address: str) -> None:
    headers = viewer.get(address, follow_redirects=False).headers

    lacking = {name: value for name, value in SAFETY_HEADERS.items() if headers.get(name) != value}
    lacking.pop("cache-control", None)
    assert not lacking
    if address.startswith("/renditions/1"):
        assert headers["cache-control"].startswith("private")
    else:
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("address", [*PAGES, *STREAMS, *OPEN_TO_ALL, "/static/app.css", "/nothing"])
@pytest.mark.parametrize("host", ["attacker.example", "localhost.attacker.example:80", "192.0.2.1"])
def test_a_foreign_host_name_gets_nothing(viewer: TestClient, address: str, host: str) -> None:
    assert viewer.get(address, headers={"host": host}, follow_redirects=False).status_code == 421


@pytest.mark.parametrize("address", ACTIONS)
@pytest.mark.parametrize("token", ["", "forged", "0011223344556677." + "0" * 64])
@pytest.mark.parametrize("way", ["field", "header"])
def test_nothing_is_done_without_the_right_token(town: Town, address: str, token: str, way: str) -> None:
    with browsing(town.app(), "operator") as client:
        fields = ACTIONS[address][1] | ({"csrf_token": token} if way == "field" else {})
        headers = {"x-csrf-token": token} if way == "header" else {}
        answer = client.post(address, data=fields, headers=headers, follow_redirects=False)

        assert answer.status_code == 403
        assert client.get("/jobs").status_code == 200  # still logged in


@pytest.mark.parametrize("address", ACTIONS)
def test_nothing_is_done_with_the_token_of_another_session(town: Town, address: str) -> None:
    with browsing(town.app(), "operator") as one, browsing(town.app(), "admin") as other:
        fields = ACTIONS[address][1] | {"csrf_token": fresh_token(other)}

        assert one.post(address, data=fields, follow_redirects=False).status_code == 403


@pytest.mark.parametrize("headers", [{"origin": "http://attacker.example"}, {"sec-fetch-site": "cross-site"}])
def test_nothing_is_done_when_the_browser_says_that_another_site_asks(
    viewer: TestClient, headers: dict[str, str]
) -> None:
    fields = {"csrf_token": fresh_token(viewer), "language": "en"}

    assert viewer.post("/language", data=fields, headers=headers, follow_redirects=False).status_code == 403


@pytest.mark.parametrize("address", [address for address, (role, _) in ACTIONS.items() if role])
def test_nobody_does_anything_without_a_login(anonymous: TestClient, address: str) -> None:
    fields = ACTIONS[address][1] | {"csrf_token": fresh_token(anonymous)}

    answer = anonymous.post(address, data=fields, follow_redirects=False)

    assert answer.status_code in (303, 401)


@pytest.mark.parametrize("address", [address for address, (role, _) in ACTIONS.items() if role is Role.OPERATOR])
def test_a_viewer_fetches_nothing(town: Town, viewer: TestClient, address: str) -> None:
    before = len(town.retrievals.list())

    answer = viewer.post(address, data=ACTIONS[address][1] | {"csrf_token": fresh_token(viewer)})

    assert answer.status_code == 403
    assert len(town.retrievals.list()) == before
    assert len(town.quarantine.waiting()) == 2


def test_a_viewer_is_not_offered_what_only_operators_may(viewer: TestClient) -> None:
    page = viewer.get("/patients/P001").text
    assert "/fetch" not in page
    assert "/quarantine" not in page


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_do_nothing(viewer: TestClient, method: str) -> None:
    assert viewer.request(method, "/patients/P001").status_code in (403, 405)


def test_a_one_time_password_opens_nothing_but_its_own_change(own_town: Town) -> None:
    own_town.add_user("newcomer", Role.ADMIN, must_change=True)
    with browsing(own_town.app(), "newcomer") as client:
        for address in [address for address in (*PAGES, *OPERATOR_PAGES, *STREAMS) if address != "/password"]:
            answer = client.get(address, follow_redirects=False)
            assert answer.status_code in (303, 401, 403), address
            assert "山田" not in answer.text

        new = "another good long sentence"
        fields = {"csrf_token": fresh_token(client), "old": PASSWORD, "new": new, "again": new}
        assert client.post("/password", data=fields, follow_redirects=False).headers["location"] == "/"
        assert client.get("/", follow_redirects=False).status_code == 200
        client.cookies.clear()
        log_in(client, "newcomer", new)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", "a good long sentence", "a good long sentence"),
        (PASSWORD, "a good long sentence", "another long sentence"),
        (PASSWORD, "short", "short"),
        (PASSWORD, PASSWORD, PASSWORD),
    ],
)
def test_a_password_that_cannot_be_changed_stays(operator: TestClient, old: str, new: str, again: str) -> None:
    fields = {"csrf_token": fresh_token(operator), "old": old, "new": new, "again": again}

    answer = operator.post("/password", data=fields, follow_redirects=False)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    operator.cookies.clear()
    log_in(operator, "operator")


def test_changing_the_password_ends_all_other_sessions(own_town: Town) -> None:
    with browsing(own_town.app(), "operator") as here, browsing(own_town.app(), "operator") as elsewhere:
        new = "another good long sentence"
        here.post("/password", data={"csrf_token": fresh_token(here), "old": PASSWORD, "new": new, "again": new})

        assert here.get("/", follow_redirects=False).status_code == 200
        assert elsewhere.get("/", follow_redirects=False).status_code == 303


def test_logging_out_ends_the_session_on_the_server_too(operator: TestClient) -> None:
    cookies = dict(operator.cookies)

    operator.post("/logout", data={"csrf_token": fresh_token(operator)})
    for name, value in cookies.items():
        operator.cookies.set(name, value)

    assert operator.get("/", follow_redirects=False).status_code == 303


def test_after_the_session_ended_a_button_leads_to_the_login_and_not_to_a_refusal(
    own_town: Town, operator: TestClient
) -> None:
    page = operator.get("/patients/P001").text
    own_town.users.set_password("operator", PASSWORD)  # ends all sessions

    headers = {"hx-request": "true", "hx-current-url": "http://localhost/patients/P001"}
    answer = operator.post("/patients/P001/fetch", data={"csrf_token": token_in(page)}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?next=%2Fpatients%2FP001"


def test_a_wrong_name_and_a_wrong_password_read_the_same(own_town: Town) -> None:
    with browsing(own_town.app()) as client:
        answers = []
        for name in ("operator", "nobody"):
            fields = {"csrf_token": fresh_token(client), "name": name, "password": "wrong"}
            answer = client.post("/login", data=fields)
            answers.append(
                (answer.status_code, 'role="alert"' in answer.text, "locked for five minutes" in answer.text)
            )

    assert answers == [(401, True, True)] * 2
    failed = own_town.audit.list([AuditKind.LOGIN_FAILED])
    assert sorted(record.event.who for record in failed) == ["nobody", "operator"]


def test_after_five_failures_the_right_password_does_not_help(own_town: Town) -> None:
    with browsing(own_town.app()) as client:
        fields = {"name": "operator", "password": "wrong"}
        for _ in range(FAILURES_BEFORE_LOCK):
            client.post("/login", data=fields | {"csrf_token": fresh_token(client)})

        right = fields | {"password": PASSWORD, "csrf_token": fresh_token(client)}
        assert client.post("/login", data=right).status_code == 401


def test_a_login_gives_a_new_session_and_a_cookie_that_no_script_reads(own_town: Town) -> None:
    with browsing(own_town.app()) as client:
        fields = {"csrf_token": fresh_token(client), "name": "viewer", "password": PASSWORD}
        client.cookies.set("netty_session", "fixed-by-an-attacker")
        cookie = client.post("/login", data=fields, follow_redirects=False).headers["set-cookie"]

    assert "fixed-by-an-attacker" not in cookie
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie


def test_over_https_the_cookies_are_secure(own_town: Town) -> None:
    own_town.settings = WebSettings(refresh=0.02)
    with TestClient(own_town.app(), base_url="https://localhost") as client:
        token = token_in(client.get("/login").text)
        fields = {"csrf_token": token, "name": "viewer", "password": PASSWORD}
        cookie = client.post("/login", data=fields, follow_redirects=False).headers["set-cookie"]

    assert cookie.startswith("__Host-netty_session=") and "Secure" in cookie


@pytest.mark.parametrize(
    "address",
    [
        "//attacker.example",
        "/\\attacker.example",
        "https://attacker.example",
        "javascript:alert(1)",
        "",
        "/a\r\nb",
        "x",
    ],
)
def test_after_the_login_nobody_is_sent_to_another_site(address: str) -> None:
    assert local_address(address) == "/"


@pytest.mark.parametrize("address", ["/", "/patients/P001", "/jobs?state=failed"])
def test_after_the_login_one_is_where_one_wanted_to_be(address: str) -> None:
    assert local_address(address) == address


def test_looking_at_a_patient_and_a_study_is_audited(own_town: Town, operator: TestClient) -> None:
    operator.get("/patients/P001")
    operator.get(f"/studies/{STUDY}")
    for number in (1, 2, 3):
        operator.get(f"/studies/{STUDY}/series/{SERIES}/images/{SERIES}.{number}")
        operator.get(f"/renditions/{number}")

    seen = own_town.audit.list([AuditKind.VIEWED_PATIENT, AuditKind.VIEWED_STUDY])
    assert [(record.event.kind, record.event.who) for record in reversed(seen)] == [
        (AuditKind.VIEWED_PATIENT, "operator"),
        (AuditKind.VIEWED_STUDY, "operator"),
    ]
    assert seen[0].event.study_instance_uid == STUDY
    assert seen[0].event.patient_key == "P001"


def test_a_picture_asked_for_by_its_number_alone_is_audited_too(own_town: Town, operator: TestClient) -> None:
    operator.get("/renditions/1")

    assert [one.event.study_instance_uid for one in own_town.audit.list([AuditKind.VIEWED_STUDY])] == [STUDY]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A town in which every text that somebody else writes is a script."""
    with opened(Town(tmp_path_factory.mktemp("hostile"))) as town:
        town.add_remote(XSS)
        town.add_remote("dead")
        town.add_patient("P001", XSS, XSS, **{XSS: "1", "dead": XSS})
        study = make_study(1, "1", (XSS, 2), date=XSS, accession=XSS)
        missing = _scripted(make_study(2, "1", ("CT", 1)))
        town.answer(XSS, "1", study, missing)
        town.found.note_failure("dead", XSS, XSS, town.users.add("operator", PASSWORD, Role.OPERATOR).created_at)
        facts: dict[str, Any] = dict.fromkeys(
            (
                "patient_name",
                "birth_date",
                "study_description",
                "series_description",
                "series_number",
                "instance_number",
            ),
            XSS,
        )
        town.hold(study, "P001", XSS, **facts)
        town.linkage.request_missing("P001", XSS)
        retrieval = town.retrievals.list()[0]
        town.retrievals.update(retrieval.id, reason=XSS)
        with browsing(town.app(), "operator") as client:
            yield client


def _scripted(study: FoundStudy) -> FoundStudy:
    return replace(study, accession_number=XSS, study_time=XSS)


@pytest.mark.parametrize(
    "address", [*PAGES, f"/?q={XSS}", f"/nothing/{XSS}", f"/login?next={XSS}", f"/jobs?state={XSS}"]
)
def test_no_text_of_others_becomes_markup(hostile: TestClient, address: str) -> None:
    answer = hostile.get(address)

    if answer.headers["content-type"].startswith("text/html"):
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "onerror=alert(1)>" not in answer.text.replace("onerror=alert(1)&gt;", "")
    else:
        assert "text/html" not in answer.headers["content-type"]


def test_the_hostile_texts_are_shown_as_they_are(hostile: TestClient) -> None:
    """Not lost, not changed: only escaped."""
    assert hostile.get("/patients/P001").text.count("&lt;script&gt;alert(") >= 5


def test_the_pages_hold_no_inline_script_or_style(viewer: TestClient) -> None:
    """The policy would stop them, and nobody would see why."""
    for address in [address for address in PAGES if not address.startswith(("/api", "/rend"))]:
        page = viewer.get(address).text
        assert "<script>" not in page and " style=" not in page and "<style" not in page
        assert " onclick=" not in page and "javascript:" not in page


def test_no_page_names_another_host(viewer: TestClient) -> None:
    """Works without the internet."""
    for address in [address for address in PAGES if not address.startswith(("/api", "/rend"))]:
        assert "//" not in viewer.get(address).text.replace("http://www.w3.org/2000/svg", "")


class Broken:
    """A linkage with a fault of our own in it."""

    def noted(self, patient_key: str) -> list[LinkView]:
        raise RuntimeError("secret detail")


def test_a_fault_nobody_foresaw_shows_nothing_of_itself(own_town: Town) -> None:
    app = own_town.app(cast(Linkage, Broken()))

    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        log_in(client, "viewer")
        answer = client.get("/patients/P001", headers={"accept-language": "en"})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "under the number" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
