"""What the pages and the REST interface say and do, on a real archive."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from netty.archive.audit import AuditKind
from netty.archive.held import RenderState, Rendition
from netty.archive.received import Rendered
from netty.archive.renewal import Renewal
from netty.image.rendition import RenditionKind
from netty.model.retrieval import LedgerState, RetrievalState
from netty.web.film import SHOWN_PER_SERIES
from netty.web.table import cell_id
from support.catalogue import received, rendition
from support.pages import ROOT, US_MULTIFRAME, Town, browsing, fresh_token, make_study, phantom, token_in
from support.serving import served

WHOLE, PARTIAL, ABSENT, ELSEWHERE = (f"{ROOT}.{number}" for number in (1, 2, 3, 4))
HTMX = {"hx-request": "true"}


def _post(client: TestClient, address: str, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
    fields["csrf_token"] = fresh_token(client)
    return client.post(address, data=fields, headers=headers, follow_redirects=False)


def test_the_list_says_of_each_patient_how_much_is_here(operator: TestClient) -> None:
    page = operator.get("/").text

    for text in ("山田 太郎", "held <b>1</b>", "partial <b>1</b>", "missing <b>2</b>", "no answer: north"):
        assert text in page


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("山田", True),
        ("山田太郎", True),
        (" P001 ", True),
        ("ｐ００１", True),
        ("0012345", True),
        ("００１２３４５", True),
        ("e-77", True),
        ("12346", False),
        ("Tanaka", False),
    ],
)
def test_a_patient_is_found_by_name_key_or_id_in_any_width(operator: TestClient, typed: str, found: bool) -> None:
    assert ("/patients/P001" in operator.get("/", params={"q": typed}).text) is found


def test_a_name_registered_in_half_width_is_found_by_full_width(operator: TestClient, own_town: Town) -> None:
    own_town.add_patient("P003", "ﾔﾏﾀﾞ ﾊﾅｺ")

    assert "P003" in operator.get("/", params={"q": "ヤマダ"}).text


def test_long_lists_come_in_pages(operator: TestClient, own_town: Town) -> None:
    for number in range(60):
        own_town.add_patient(f"Q{number:03}")

    first, second, beyond = (operator.get("/", params={"page": page}).text for page in (1, 2, 99))

    assert "Q010" in first and "Q059" not in first
    assert "Q059" in second and "Q059" in beyond
    assert "2 / 2" in second


def test_a_key_may_hold_any_character(operator: TestClient, own_town: Town) -> None:
    key = "a/b ?#%山"
    own_town.add_patient(key, "Odd One", central="77")

    address = next(part for part in operator.get("/").text.split('"') if "a%2Fb" in part)
    assert "Odd One" in operator.get(address).text
    assert operator.get(f"{address}/table").status_code == 200


def test_a_patients_page_shows_every_state_in_words(operator: TestClient) -> None:
    page = operator.get("/patients/P001").text

    for text in ("held <b>5</b>", "partial <b>2/6</b>", "missing <b>0/2</b>", "not listed", "no answer", "searched 20"):
        assert text in page
    assert "The remote north did not answer." in page


def test_stored_reasons_are_said_in_japanese(own_town: Town) -> None:
    own_town.linkage.request_study("central", ABSENT, "P001", "cli")
    retrieval = own_town.retrievals.list()[0]
    own_town.retrievals.update(retrieval.id, state=RetrievalState.PARTIAL, reason="1 of 2 images did not arrive.")
    with browsing(own_town.app(), "operator", "ja") as client:
        for address in ("/patients/P001", "/jobs"):
            page = client.get(address).text
            assert "2 枚のうち 1 枚が届きませんでした。" in page
            assert "参照用です。一次診断には使用しないでください。" in page


def test_one_study_is_asked_for(operator: TestClient, own_town: Town) -> None:
    answer = _post(operator, "/patients/P001/fetch", remote="central", study=ABSENT)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/patients/P001"
    retrieval = own_town.retrievals.list()[0]
    assert (retrieval.remote, retrieval.study_instance_uid) == ("central", ABSENT)
    assert (retrieval.patient_key, retrieval.requested_by) == ("P001", "operator")


def test_everything_missing_is_asked_for_once(operator: TestClient, own_town: Town) -> None:
    part = _post(operator, "/patients/P001/fetch", HTMX).text
    _post(operator, "/patients/P001/fetch")

    assert {one.study_instance_uid for one in own_town.retrievals.list()} == {PARTIAL, ABSENT, ELSEWHERE}
    assert len(own_town.retrievals.list()) == 3
    assert part.lstrip().startswith('<div id="table">')
    assert part.count("queued <b>") == 3


def test_what_a_remote_does_not_list_is_refused_in_words(operator: TestClient) -> None:
    answer = _post(operator, "/patients/P001/fetch", HTMX, remote="central", study="1.2.3")

    assert answer.status_code == 400
    assert "did not list this study" in answer.text
    assert "<html" not in answer.text


def test_a_running_retrieval_shows_how_far_it_is(operator: TestClient, own_town: Town) -> None:
    own_town.linkage.request_study("central", ABSENT, "P001", "cli")
    retrieval = own_town.retrievals.list()[0]
    own_town.retrievals.update(retrieval.id, state=RetrievalState.MOVING)
    own_town.retrievals.mark(retrieval.id, {f"{ABSENT}.1.1": (LedgerState.RENDERED, "")})

    page = operator.get("/patients/P001").text

    assert "moving <b>1/2</b>" in page
    assert '<progress max="2" value="1"' in page
    assert "1 ready to view" in page


def test_a_retrieval_is_cancelled(operator: TestClient, own_town: Town) -> None:
    own_town.linkage.request_study("central", ABSENT, "P001", "cli")
    retrieval = own_town.retrievals.list()[0]
    assert f"/jobs/{retrieval.id}/cancel" in operator.get("/jobs").text

    answer = _post(operator, f"/jobs/{retrieval.id}/cancel", HTMX)

    assert "being cancelled" in answer.text and "山田 太郎" in answer.text
    assert own_town.retrievals.get(retrieval.id).cancel_requested
    assert own_town.audit.list([AuditKind.RETRIEVAL_CANCELLED])[0].event.who == "operator"


@pytest.mark.parametrize(("state", "shown"), [("", True), ("running", True), ("failed", False), ("nonsense", True)])
def test_the_list_of_retrievals_is_filtered(operator: TestClient, own_town: Town, state: str, shown: bool) -> None:
    own_town.linkage.request_study("central", ABSENT, "P001", "cli")

    assert ("/cancel" in operator.get("/jobs", params={"state": state}).text) is shown


def test_the_images_person_is_shown_with_all_its_names(operator: TestClient) -> None:
    page = operator.get(f"/studies/{WHOLE}").text

    for text in ("山田 太郎 (やまだ たろう, Yamada Tarou)", "0012345", "1953-04-02", "胸部 CT 造影", "体軸断"):
        assert text in page


def test_another_birth_date_than_the_registers_is_pointed_out(operator: TestClient, own_town: Town) -> None:
    study = make_study(7, "0012345", ("CT", 1))
    own_town.hold(study, "P001", "central", birth_date="19700101")

    assert "another birth date" in operator.get(f"/studies/{study.study_instance_uid}").text
    assert "another birth date" not in operator.get(f"/studies/{WHOLE}").text


def test_a_big_series_shows_its_first_images_and_says_that_there_are_more(operator: TestClient, own_town: Town) -> None:
    study = make_study(7, "0012345", ("CT", SHOWN_PER_SERIES + 5))
    own_town.hold(study, "P001", "central", pictures=[phantom()])

    whole = operator.get(f"/studies/{study.study_instance_uid}").text
    series = operator.get(f"/studies/{study.study_instance_uid}/series/{study.study_instance_uid}.1").text

    assert whole.count('<img src="/renditions/') == SHOWN_PER_SERIES
    assert f"Show all {SHOWN_PER_SERIES + 5} images" in whole
    assert series.count('<img src="/renditions/') == SHOWN_PER_SERIES + 5


def test_images_stand_in_the_order_of_their_numbers(operator: TestClient, own_town: Town) -> None:
    study = make_study(7, "0012345", ("CT", 11))
    own_town.hold(study, "P001", "central", pictures=[phantom()])

    page = operator.get(f"/studies/{study.study_instance_uid}").text

    places = [page.index(f'/images/{study.study_instance_uid}.1.{number}"') for number in range(1, 12)]
    assert places == sorted(places)


def test_a_frame_beyond_the_last_is_the_last(operator: TestClient, own_town: Town) -> None:
    film = make_study(8, "0012345", ("US", 1))
    own_town.hold(film, "P001", "central", frames=3, sop_class_uid=US_MULTIFRAME)
    address = (
        f"/studies/{film.study_instance_uid}/series/{film.study_instance_uid}.1/images/{film.study_instance_uid}.1.1"
    )

    assert "<b>3</b> / 3" in operator.get(address, params={"frame": 99}).text
    assert operator.get(address, params={"frame": 0}).status_code == 400


def test_an_image_offers_its_views_through_presentation_states(operator: TestClient, own_town: Town) -> None:
    study = make_study(9, "0012345", ("CT", 1))
    own_town.hold(study, "P001", "central", pictures=[phantom()])
    uid = study.study_instance_uid
    state = received(
        f"{uid}.9.1",
        study_instance_uid=uid,
        series_instance_uid=f"{uid}.9",
        patient_key="P001",
        facts={"patient_id": "0012345", "modality": "PR", "series_number": "9"},
    )
    [registered] = own_town.registration.register([state])
    assert registered.instance_id
    own_town.registration.not_rendered(
        registered.instance_id, RenderState.NO_PICTURE, "a state", references=[f"{uid}.1.1"]
    )
    renewal = Renewal(own_town.database)
    [pair] = renewal.to_present(9)
    through = rendition("through", presentation_state=state.sop_instance_uid)
    label = {"presentation_state": {"label": "FRACTURE"}}
    renewal.presented(pair, [replace(through, window="C 1 W 2", recipe=label)])
    address = f"/studies/{uid}/series/{uid}.1/images/{uid}.1.1"

    plain = operator.get(address).text
    seen = operator.get(address, params={"state": state.sop_instance_uid}).text

    assert "FRACTURE" in operator.get(f"/studies/{uid}").text
    assert f"{address}?frame=1&amp;state={state.sop_instance_uid}" in plain
    assert "C 1 W 2" not in plain
    assert "C 1 W 2" in seen
    assert "C 1 W 2" not in operator.get(address, params={"state": "1.2.3.4"}).text


def _held_with(town: Town, number: int, *renditions: Rendition, frames: int = 1) -> str:
    """The address of an image with these renditions, its thumbnail among them."""
    study = make_study(number, "0012345", ("CT", 1))
    uid = study.study_instance_uid
    image = received(
        f"{uid}.1.1",
        study_instance_uid=uid,
        series_instance_uid=f"{uid}.1",
        patient_key="P001",
        facts={"patient_id": "0012345", "modality": "CT", "number_of_frames": str(frames)},
    )
    [registered] = town.registration.register([image])
    assert registered.instance_id
    town.registration.rendered([Rendered(registered.instance_id, renditions)])
    return f"/studies/{uid}/series/{uid}.1/images/{uid}.1.1"


@pytest.mark.parametrize(("language", "lung", "own"), [("en", "lung", "as it is"), ("ja", "肺野", "標準")])
def test_a_ct_is_offered_through_further_windows(
    operator: TestClient, own_town: Town, language: str, lung: str, own: str
) -> None:
    plain, further = rendition("plain"), replace(rendition("further"), view="lung", window="C -600 W 1500 (lung)")
    address = _held_with(own_town, 20, plain, further)
    operator.cookies.set("netty_language", language)

    page = operator.get(address).text
    seen = operator.get(address, params={"view": "lung"}).text

    assert "C -600 W 1500" not in page and "C -600 W 1500" in seen
    assert f'view=lung">{lung}</a>' in page and f">{own}</a>" in page
    assert f'view=lung" aria-current="page">{lung}</a>' in seen
    assert "C -600 W 1500" not in operator.get(address, params={"view": "bone"}).text  # there is none


@pytest.mark.parametrize(("format", "element"), [("webp", "<img"), ("mp4", "<video")])
def test_a_film_is_offered_as_a_loop(operator: TestClient, own_town: Town, format: str, element: str) -> None:
    frames = [replace(rendition(f"f{number}"), frame=number) for number in (1, 2)]
    loop = replace(rendition("loop"), kind=RenditionKind.LOOP, frame=0, format=format)
    address = _held_with(own_town, 21, *frames, loop, frames=2)

    plain = operator.get(address, params={"frame": 2}).text
    seen = operator.get(address, params={"view": "loop"}).text

    assert "<b>2</b> / 2" in plain and f"{address}?frame=2&amp;view=loop" in plain
    shown = re.search(rf'{element} id="picture" src="(/renditions/\d+)"', seen)
    assert shown
    place = own_town.holdings.rendition(int(shown[1].rsplit("/", 1)[1]))
    assert place and place.rendition.kind is RenditionKind.LOOP
    assert "2 frames" in seen and "ArrowDown" not in seen


def test_a_format_that_browsers_do_not_show_is_previewed_and_offered(operator: TestClient, own_town: Town) -> None:
    tiff = replace(rendition("whole"), format="tiff")
    small = replace(rendition("small"), kind=RenditionKind.THUMBNAIL)
    address = _held_with(own_town, 22, tiff, small)

    page = operator.get(address).text

    assert "Browsers do not show TIFF" in page and "Download the picture" in page
    document = operator.get(f"/api/v1/{address.split('/series')[0].lstrip('/')}").json()
    made = document["series"][0]["instances"][0]["renditions"]
    assert [(one["kind"], one["format"]) for one in made] == [("picture", "tiff"), ("thumbnail", "jpeg")]
    assert [f'src="{one["url"]}"' in page for one in made] == [False, True]


def test_a_picture_comes_as_it_was_rendered(operator: TestClient, own_town: Town) -> None:
    answer = operator.get("/renditions/1")

    place = own_town.holdings.rendition(1)
    assert place and answer.content == own_town.blobs.get(place.rendition.blob_key)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_a_picture_that_is_gone_from_the_disk_is_not_found(operator: TestClient, own_town: Town) -> None:
    place = own_town.holdings.rendition(1)
    assert place
    own_town.blobs.remove([place.rendition.blob_key])

    assert operator.get("/renditions/1").status_code == 404


@pytest.mark.parametrize(
    ("cookie", "accept", "word"),
    [("", "ja", "患者"), ("", "en", "Patients"), ("", "fr", "患者"), ("en", "ja", "Patients")],
)
def test_pages_speak_the_readers_language(operator: TestClient, cookie: str, accept: str, word: str) -> None:
    if cookie:
        operator.cookies.set("netty_language", cookie)

    assert f"<h1>{word}</h1>" in operator.get("/", headers={"accept-language": accept}).text


def test_the_deep_link_leads_to_the_study(operator: TestClient) -> None:
    answer = operator.get("/open", params={"study": WHOLE}, follow_redirects=False)

    assert answer.headers["location"] == f"/studies/{WHOLE}"


def test_the_rest_interface_says_the_same(operator: TestClient) -> None:
    document = operator.get("/api/v1/patients/P001").json()

    assert [one["remote"] for one in document["remotes"]] == ["central", "east", "north"]
    states = {one["study_instance_uid"]: one["state"] for one in document["studies"]}
    assert states == {WHOLE: "held", PARTIAL: "partial", ABSENT: "missing", ELSEWHERE: "missing"}


def test_the_rest_interface_asks_for_studies(operator: TestClient, own_town: Town) -> None:
    answer = _post(operator, "/api/v1/retrievals", patient="P001", remote="central", study=ABSENT)

    assert answer.status_code == 202
    document = answer.json()[0]
    assert (document["state"], document["expected"], document["received"]) == ("queued", 2, 0)
    assert operator.get("/api/v1/retrievals").json()[0]["id"] == own_town.retrievals.list()[0].id


def test_the_rest_interface_names_each_rendition(operator: TestClient) -> None:
    document = operator.get(f"/api/v1/studies/{WHOLE}").json()

    first = document["series"][0]["instances"][0]["renditions"][0]
    assert (first["format"], first["frame"], first["width"]) == ("jpeg", 1, 128)
    assert operator.get(first["url"]).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/v1/patients/P999", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v1/retrievals?limit=0", 400, "usage"),
    ],
)
def test_problems_of_the_rest_interface_are_documents(
    operator: TestClient, address: str, status: int, code: str
) -> None:
    answer = operator.get(address)

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)


def test_without_a_login_the_rest_interface_says_so(own_town: Town) -> None:
    with browsing(own_town.app()) as client:
        answer = client.get("/api/v1/patients")

    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")


def test_the_description_of_the_rest_interface_lists_its_routes_alone(operator: TestClient) -> None:
    paths = operator.get("/api/v1/openapi.json").json()["paths"]

    assert "/api/v1/patients/{key}" in paths
    assert all(path.startswith("/api/v1/") for path in paths)


@pytest.fixture
def streaming(own_town: Town) -> Iterator[httpx2.Client]:
    """A logged-in client of a real server: event streams have no end, and a test client waits for it."""
    with served(own_town.app()) as address, httpx2.Client(base_url=address, timeout=20) as client:
        token = token_in(client.get("/login").text)
        client.post(
            "/login", data={"csrf_token": token, "name": "operator", "password": "correct horse battery staple"}
        )
        yield client


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            yield name, line.removeprefix("data:").strip()


def test_a_patients_stream_tells_of_a_new_retrieval_then_its_steps_then_its_end(
    own_town: Town, streaming: httpx2.Client
) -> None:
    with streaming.stream("GET", "/patients/P001/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.iter_lines()
        next(lines)  # the stream is open
        events = _events(lines)
        retrieval = own_town.linkage.request_study("central", ABSENT, "P001", "cli")
        assert next(events)[0] == "changed"

        own_town.retrievals.mark(retrieval.id, {f"{ABSENT}.1.1": (LedgerState.RECEIVED, "")})
        name, data = next(events)
        swap = json.loads(data)
        assert (name, swap["target"]) == ("swap", cell_id("central", ABSENT))
        assert '<progress max="2" value="1"' in swap["html"]

        own_town.retrievals.update(retrieval.id, state=RetrievalState.FAILED)
        assert next(events)[0] == "changed"


def test_the_rest_stream_sends_documents(own_town: Town, streaming: httpx2.Client) -> None:
    with streaming.stream("GET", "/api/v1/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        own_town.linkage.request_study("central", ABSENT, "P001", "cli")
        name, data = next(_events(lines))

    assert name == "retrieval"
    assert json.loads(data)["study_instance_uid"] == ABSENT


def test_nobody_hears_of_another_patient(own_town: Town, streaming: httpx2.Client) -> None:
    study = make_study(9, "0099999", ("CT", 1))
    own_town.answer("central", "0099999", study)
    with streaming.stream("GET", "/patients/P002/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        events = _events(lines)
        other = own_town.linkage.request_study("central", ABSENT, "P001", "cli")
        mine = own_town.linkage.request_study("central", study.study_instance_uid, "P002", "cli")
        assert next(events)[0] == "changed"

        own_town.retrievals.mark(other.id, {f"{ABSENT}.1.1": (LedgerState.RECEIVED, "")})
        own_town.retrievals.mark(mine.id, {f"{study.study_instance_uid}.1.1": (LedgerState.RECEIVED, "")})
        assert json.loads(next(events)[1])["target"] == cell_id("central", study.study_instance_uid)


def test_logging_out_ends_the_stream(own_town: Town, streaming: httpx2.Client) -> None:
    with streaming.stream("GET", "/jobs/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        streaming.post("/logout", data={"csrf_token": token_in(streaming.get("/jobs").text)})

        assert [name for name, _ in _events(lines)] == ["gone"]


def test_without_the_database_it_is_not_ready(tmp_path: Path, own_town: Town) -> None:
    with browsing(own_town.app()) as client:
        own_town.database.close()
        (own_town.folder / "netty.db").rename(own_town.folder / "gone.db")
        (own_town.folder / "netty.db").mkdir()

        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
