"""The commands on a data folder of their own, with no service running."""

import stat
from pathlib import Path

import pytest

from support.commands import LANGUAGES, Netty, program

WEST = ("remotes", "add", "west", "--title", "WEST", "--host", "127.0.0.1", "--port", 1)
CSV = "patient,remote,patient_id,name,birth_date\np1,west,001,髙橋^花子,1964/1/7\np2,west,002,,\n"


def test_init_makes_everything_and_tells_the_password_once(netty: Netty, folder: Path) -> None:
    made = netty("init", "here", "--json").document

    assert made["settings"] == str(folder / "here/netty.toml")
    assert stat.S_IMODE((folder / "here/netty.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "here/data").stat().st_mode) == 0o700
    assert made["user"] == "admin"
    (user,) = netty("--config", "here/netty.toml", "users", "list", "--json").document["users"]
    assert (user["name"], user["role"]) == ("admin", "admin")
    assert made["password"] not in (folder / "here/netty.toml").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_init_overwrites_nothing(netty: Netty, folder: Path, language: str) -> None:
    (folder / "netty.toml").write_text("# mine")

    ended = netty("init", code=2, language=language)

    assert str(folder / "netty.toml") in ended.stderr
    assert (folder / "netty.toml").read_text() == "# mine"
    assert not (folder / "data").exists()


def test_init_tells_the_next_steps_in_the_language_of_the_reader(folder: Path) -> None:
    ended = program("init", folder=folder, language="ja")

    assert ended.code == 0
    assert "netty serve" in ended.stdout
    assert not ended.stdout.isascii()
    assert not (folder / "netty.toml").read_text(encoding="utf-8").isascii()


def test_init_leaves_known_users_alone(made: Netty, folder: Path) -> None:
    (folder / "netty.toml").unlink()

    assert made("init", "--json").document["password"] is None


def test_a_remote_is_added_shown_changed_and_removed(made: Netty) -> None:
    added = made(*WEST, "--json").document
    assert (added["name"], added["title"], added["addresses"]) == ("west", "WEST", ["127.0.0.1"])
    assert made(*WEST, code=2).stdout == ""

    made("remotes", "edit", "west", "--max-moves", 3, "--hours", "22:00-06:00", "--hours", "12:00-13:00")
    shown = made("remotes", "show", "west", "--json").document
    assert (shown["title"], shown["max_moves"], shown["hours"]) == ("WEST", 3, ["22:00-06:00", "12:00-13:00"])
    assert "west" in made("remotes", "show", "wets", code=2).stderr

    made("remotes", "remove", "west")
    assert made("remotes", "list", "--json").document == {"remotes": []}


def test_remotes_go_out_and_come_back(made: Netty, folder: Path) -> None:
    made(*WEST, "--level", "study", "--level", "series")
    before = made("remotes", "list", "--json").document
    made("remotes", "export", "remotes.toml")
    made("remotes", "remove", "west")

    made("remotes", "import", "remotes.toml")

    assert made("remotes", "list", "--json").document == before
    (folder / "bad.toml").write_text('[[remote]]\nname = "east"\ntitle = "E"\nhost = "h"\nprot = 1\n')
    ended = made("remotes", "import", "bad.toml", code=2)
    assert "bad.toml:5: there is no setting remote[1].prot. Did you mean remote.port?" in ended.stderr
    assert made("remotes", "list", "--json").document == before


def test_a_remote_of_the_settings_file_is_changed_only_there(made: Netty, folder: Path) -> None:
    with (folder / "netty.toml").open("a") as file:
        file.write('[[remote]]\nname = "central"\ntitle = "C"\nhost = "127.0.0.1"\nport = 1\n')

    assert made("remotes", "show", "central", "--json").document["managed"]
    made("remotes", "edit", "central", "--port", 2, code=2)
    made("remotes", "remove", "central", code=2)
    made("jobs", "pause", "central")
    assert made("remotes", "show", "central", "--json").document["paused"]
    made("jobs", "resume")
    assert not made("remotes", "show", "central", "--json").document["paused"]


def test_patients_are_imported_shown_and_exported(made: Netty, folder: Path) -> None:
    made(*WEST)
    (folder / "p.csv").write_text(CSV, encoding="cp932")

    assert made("patients", "import", "p.csv", "--json").document == {"added": 2, "changed": 0, "unchanged": 0}

    assert made("patients", "show", "p1", "--json").document == {
        "patient": "p1",
        "name": "髙橋^花子",
        "birth_date": "1964-01-07",
        "links": [{"remote": "west", "patient_id": "001"}],
    }
    made("patients", "export", "out.csv")
    assert made("patients", "import", "out.csv", "--json").document == {"added": 0, "changed": 0, "unchanged": 2}
    assert "髙橋^花子" in made("patients", "list").stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_bad_file_every_line_is_told_and_nothing_is_imported(made: Netty, folder: Path, language: str) -> None:
    made(*WEST)
    (folder / "p.csv").write_text(CSV + "p3,wst,3,秘密,\np4,west,*,,\n", encoding="utf-8")

    ended = made("patients", "import", "p.csv", code=2, language=language)

    first, second, _nothing_changed = ended.stderr.splitlines()
    assert "4" in first
    assert "wst" in first
    assert "5" in second
    assert "秘密" not in ended.stderr
    assert made("patients", "list", "--json").document == {"patients": []}


def test_an_id_belongs_to_one_patient_only(made: Netty, folder: Path) -> None:
    made(*WEST)
    made("patients", "add", "p0", "--link", "west=001", "--birth-date", "19640107")
    (folder / "p.csv").write_text(CSV)

    ended = made("patients", "import", "p.csv", code=2)

    assert "p1: the ID '001' at west belongs to p0 already." in ended.stderr
    assert [each["patient"] for each in made("patients", "list", "--json").document["patients"]] == ["p0"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--link", "west"), "REMOTE=PATIENT_ID"),
        (("--link", "west=1*"), "matches other patients"),
        (("--link", "east=1"), "east"),
        (("--link", "west=1", "--link", "west=2"), "another ID"),
        (("--link", "west=1", "--birth-date", "soon"), "YYYY-MM-DD"),
        ((), "--link"),
    ],
)
def test_a_patient_is_added_only_with_usable_ids(made: Netty, arguments: tuple[str, ...], words: str) -> None:
    made(*WEST)

    assert words in made("patients", "add", "p", *arguments, code=2).stderr


def test_users_come_and_go(made: Netty, folder: Path) -> None:
    added = program("users", "add", "bob", "--role", "operator", "--json", folder=folder)
    assert len(added.document["password"]) > 12
    typed = program("users", "passwd", "bob", "--password-stdin", folder=folder, stdin="a long enough password\n")
    assert (typed.code, typed.stdout) == (0, "")
    users = made("users", "list", "--json").document["users"]
    assert {user["name"]: user["role"] for user in users} == {"admin": "admin", "bob": "operator"}
    made("users", "remove", "bob")
    made("users", "remove", "bob", code=2)
    made("users", "remove", "admin", code=2)


@pytest.mark.parametrize(
    "call",
    ["retrieve west --patient-id 001", "retrieve west --study 1.2.3 --wait", "search", "search west --now"],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_needs_the_service_says_so_without_it(made: Netty, call: str, language: str) -> None:
    made(*WEST)

    assert "netty serve" in made(*call.split(), code=9, language=language).stderr


@pytest.mark.parametrize("call", ["echo west", "find west --patient-id 001", "plan west --patient-id 001"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_remote_that_cannot_be_reached_is_exit_4(made: Netty, call: str, language: str) -> None:
    """Port 1 of this machine refuses the connection."""
    made(*WEST)

    ended = made(*call.split(), code=4, language=language)

    assert "127.0.0.1:1" in ended.stderr


def test_a_search_by_accession_number_names_the_setting(made: Netty) -> None:
    made(*WEST)

    ended = made("find", "west", "--patient-id", "1", "--accession-number", "A", code=2)

    assert "accession_number" in ended.stderr
    assert "[query]" in ended.stderr


@pytest.mark.parametrize("patient_id", ["", " ", "*", "1?", "a\\b"])
def test_an_id_that_matches_many_is_never_asked_for(made: Netty, patient_id: str) -> None:
    made(*WEST)

    made("find", "west", "--patient-id", patient_id, code=2)


def test_what_is_not_there_is_told(made: Netty) -> None:
    assert made("jobs", "list", "--json").document == {"retrievals": []}
    assert made("studies", "list", "--json").document == {"studies": []}
    assert made("studies", "list", "--patient-id", "1", "--json", code=1).document == {"studies": []}
    made("jobs", "show", "nothing", code=2)
    made("jobs", "cancel", "nothing", code=2)
    assert made("studies", "show", "1.2.3", "--json", code=1).document["state"] == "missing"
    made("studies", "delete", "1.2.3", "--yes", code=1)
    made("studies", "render", "1.2.3", code=1)
    assert made("plan", "--json").document == {"studies": [], "failures": []}


def test_status_tells_whether_the_service_runs(made: Netty) -> None:
    document = made("status", "--json").document

    assert document["running"] is False
    assert document["retrievals"] == {"queued": 0, "moving": 0, "settling": 0}
    assert "not running" in made("status").stdout


def test_an_empty_archive_verifies(made: Netty) -> None:
    document = made("verify", "--json").document

    assert document["ok"] is True
    assert document["problems"] == []


MASK = "[[mask]]\n"


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        (None, "cannot be read"),
        ("[[mask", "is not valid TOML"),
        ("[other]", "may hold nothing but [[mask]] tables"),
        (MASK, "mask 1 lacks its regions"),
        (MASK + "regions = []\nmaker = 'ACME'", "mask 1: maker is no key of a mask"),
        (MASK + "regions = []\nmodel = 5", "mask 1: model must be a text in quotes"),
        (MASK + "regions = []\nrows = '600'", "mask 1: rows must be a whole number"),
        (MASK + "regions = []\nclass = 'XX'", "mask 1: 'XX' is no class. Write one of CR DX"),
        (MASK + "regions = [[1, 2, 3]]", "the region [1, 2, 3] is not four whole numbers"),
        (MASK + "regions = [[1, 2, 0, 9]]", "has no size, and blanks nothing"),
        (MASK + "rows = 600\nregions = [[0, 600, 9, 9]]", "lies outside of an image with 600 rows"),
        (MASK + "regions = []\n" + MASK + "class = 'US'\nregions = []", "mask 2 never counts: mask 1 before it"),
    ],
)
def test_check_says_what_is_wrong_in_the_file_of_masks(made: Netty, folder: Path, masks: str | None, said: str) -> None:
    if masks is not None:
        (folder / "masks.toml").write_text(masks)
    made.monkeypatch.setenv("NETTY_KEEP__BURNED_IN", "mask")
    made.monkeypatch.setenv("NETTY_KEEP__MASKS", "masks.toml")

    for language in ("en", "ja"):
        ended = made("check", language=language, code=1)
        assert "masks.toml" in ended.stderr
        assert (said in ended.stderr) is (language == "en")
    checks = made("check", "--json", code=1).document["checks"]
    assert [one["ok"] for one in checks if one["what"] == "masks"] == [False]


def test_check_tells_all_faults_of_the_masks_at_once(made: Netty, folder: Path) -> None:
    (folder / "masks.toml").write_text(MASK + "maker = 1\nregions = [[1]]\n" + MASK)
    made.monkeypatch.setenv("NETTY_KEEP__MASKS", "masks.toml")

    said = made("check", code=1).stderr

    assert all(part in said for part in ("maker is no key", "region [1] is not four", "mask 2 lacks its regions"))


def test_masks_that_are_sound_are_counted(made: Netty, folder: Path) -> None:
    (folder / "masks.toml").write_text(MASK + "class = 'US'\nregions = [[0, 0, 800, 60]]")
    made.monkeypatch.setenv("NETTY_KEEP__MASKS", "masks.toml")
    unused = [one for one in made("check", "--json", code=None).document["checks"] if one["what"] == "masks"]
    made.monkeypatch.setenv("NETTY_KEEP__BURNED_IN", "mask")
    used = [one for one in made("check", "--json", code=None).document["checks"] if one["what"] == "masks"]

    assert (used[0]["ok"], used[0]["detail"]) == (True, "1 masks are sound.")
    assert (unused[0]["ok"], unused[0]["detail"]) == (True, "1 masks, not used: [keep] burned_in is not mask.")


def test_masking_without_a_file_is_told(made: Netty) -> None:
    made.monkeypatch.setenv("NETTY_KEEP__BURNED_IN", "mask")

    assert "masks names no file" in made("check", code=1).stderr


def test_check_tells_each_check(made: Netty) -> None:
    document = made("check", "--json", code=None).document

    assert document["checks"]
    assert all(set(check) == {"what", "ok", "detail", "advice"} for check in document["checks"])


def test_changes_stand_in_the_audit_trail(made: Netty) -> None:
    made(*WEST)
    made("patients", "add", "p1", "--link", "west=001")
    made("patients", "remove", "p1")

    events = made("audit", "list", "--json").document["events"]

    kinds = [event["kind"] for event in events]
    assert kinds.count("patients_changed") == 2
    assert "remotes_changed" in kinds
    assert all(event["who"] == "cli" for event in events if event["kind"] == "patients_changed")
    assert made("audit", "export").stdout.splitlines()[0].startswith("seq,at,kind,who,patient")
