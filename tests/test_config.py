"""The settings: what stands in the file and the environment, and what is said about what cannot stand there."""

import dataclasses
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from netty.config import (
    SettingsProblems,
    commented_settings,
    load_settings,
    remotes_from_toml,
    remotes_to_toml,
    settings_from,
)
from netty.config.places import key_lines, line_of
from netty.config.sample import _COMMENTS
from netty.config.settings import SECTIONS
from netty.errors import SettingsError
from netty.language import Language, render
from netty.model.remote import Remote, RestartsOn, RetrieveLevel

FILE = Path("/srv/netty/netty.toml")

# As the published interface names them.
DEFAULTS: dict[str, dict[str, Any]] = {
    "ae": {
        "title": "HAPPY_netty",
        "host": "0.0.0.0",
        "port": 11112,
        "max_pdu": 16384,
        "implementation_class_uid": "1.2.276.0.7230010.3.0.3.6.0",
        "implementation_version_name": "OFFIS_DCMTK_360",
    },
    "timers": {"association": 60, "response": 60, "total": 1000, "response_restarts_on": "response"},
    "query": {"accession_number": False, "extra_keys": False},
    "receive": {
        "unsolicited": "discard",
        "unregistered": "reject",
        "idle": 0,
        "statuses": "statement",
        "warn_changes": False,
        "transfer_syntaxes": ("1.2.840.10008.1.2",),
        "sop_classes": "statement",
        "durability": "fsync",
        "quiet_time": 120,
    },
    "render": {"format": "jpeg", "quality": 90},
    "keep": {"dicom": "none"},
    "retrieve": {"levels": ("study",)},
    "search": {"pace": 1, "every": "30m", "hours": ("00:00-24:00",)},
    "database": {"url": "sqlite:////srv/netty/data/netty.db"},
    "blobs": {"url": "file:///srv/netty/data/blobs"},
    "web": {"host": "127.0.0.1", "port": 8080},
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NETTY_CONFIG", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def problems_of(text: str) -> list[str]:
    with pytest.raises(SettingsProblems) as caught:
        settings_from(text, FILE)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("section", "key"), [(section, key) for section, keys in DEFAULTS.items() for key in keys])
def test_an_empty_file_gives_the_published_defaults(section: str, key: str) -> None:
    settings = settings_from("", FILE)

    assert getattr(getattr(settings, section), key) == DEFAULTS[section][key]


@pytest.mark.parametrize("language", Language)
def test_the_commented_file_says_the_defaults_and_nothing_else(language: Language) -> None:
    assert settings_from(commented_settings(language), FILE) == settings_from("", FILE)


def test_the_commented_file_explains_every_key() -> None:
    keys = {(section, field.name) for section, kind in SECTIONS.items() for field in fields(kind)}

    assert set(_COMMENTS) == keys


def test_every_commented_line_of_the_file_can_be_used() -> None:
    lines = [line.removeprefix("# ") for line in commented_settings().splitlines()]
    used = "\n".join(line for line in lines if line.startswith("[") or " = " in line)

    settings = settings_from(used, FILE)

    assert dataclasses.replace(settings, remotes=()) == settings_from("", FILE)
    assert [remote.name for remote in settings.remotes] == ["central"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[ae]\nprot = 1", "/srv/netty/netty.toml:2: there is no setting ae.prot. Did you mean ae.port?"),
        ("\n\ndaat = 1", "/srv/netty/netty.toml:3: there is no setting daat. Did you mean data?"),
        ("[remot]", "/srv/netty/netty.toml:1: there is no setting remot. Did you mean remote?"),
        (
            "durability = 'os'",
            "/srv/netty/netty.toml:1: there is no setting durability. Did you mean receive.durability?",
        ),
        ("ae.titel = 'A'", "/srv/netty/netty.toml:1: there is no setting ae.titel. Did you mean ae.title?"),
        (
            "[query]\nzzzz = 1",
            "/srv/netty/netty.toml:2: there is no setting query.zzzz. There are: accession_number, extra_keys.",
        ),
        (
            '[[remote]]\nname = "a"\ntitle = "A"\nhost = "h"\nport = 1\nhour = []',
            "/srv/netty/netty.toml:6: there is no setting remote[1].hour. Did you mean remote.hours?",
        ),
    ],
)
def test_an_unknown_key_is_told_with_its_line_and_the_nearest_right_one(text: str, sentence: str) -> None:
    assert problems_of(text) == [sentence]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ae]\nport = "x"', 'ae.port must be a whole number, not "x"'),
        ("[ae]\nport = 1.5", "ae.port must be a whole number, not 1.5"),
        ("[ae]\nport = true", "ae.port must be a number, not true"),
        ("[ae]\nport = 65536", "ae.port: It must be between 0 and 65535, not 65536"),
        ("[ae]\nmax_pdu = 131073", "ae.max_pdu: It must be between 4096 and 131072"),
        ("[ae]\ntitle = 5", "ae.title must be a text in quotation marks, not 5"),
        ('[ae]\ntitle = "SEVENTEEN_LETTERS"', "ae.title: 'SEVENTEEN_LETTERS' is not an AE title"),
        ('[ae]\ntitle = "  "', "ae.title: An AE title cannot consist of spaces only"),
        ('[ae]\ntitle = "A\\\\B"', "is not an AE title"),
        ('[ae]\ntitle = "病院"', "is not an AE title"),
        ('[ae]\nimplementation_class_uid = "1.02"', "is not a UID"),
        ("[timers]\nresponse = 0", "timers.response: It must be more than 0"),
        ("[timers]\nresponse = nan", "timers.response must be a number"),
        ('[timers]\nresponse_restarts_on = "never"', "must be one of 'response', 'store', not \"never\""),
        ('[query]\nextra_keys = "perhaps"', 'query.extra_keys must be true or false, not "perhaps"'),
        ('[receive]\nunsolicited = "keep"', "must be one of 'discard', 'discard-success', 'refuse', 'quarantine'"),
        ("[receive]\nsop_classes = 5", 'receive.sop_classes must be "statement" or a list of UIDs'),
        ("[receive]\ntransfer_syntaxes = []", "The list cannot be empty"),
        ('[receive]\ntransfer_syntaxes = "1.2"', "receive.transfer_syntaxes must be a list"),
        ("[receive]\nquiet_time = -1", "receive.quiet_time: It cannot be negative"),
        ("[render]\nquality = 101", "render.quality: It must be between 1 and 100"),
        ('[render]\nformat = "gif"', "render.format must be one of"),
        ("[render]\npng_bits = 12", "render.png_bits: It must be one of 8, 16"),
        ('[render]\nct_windows = ["liver"]', "must be one of"),
        ("[retrieve]\nlevels = []", 'The list must contain "study"'),
        ("[search]\npace = 0", "search.pace: It must be more than 0"),
        ('[search]\nevery = "often"', "'often' is no pause. Write 90s, 30m, 6h or 1d"),
        ('[search]\nhours = ["25:00-26:00"]', "'25:00-26:00' is not a time window"),
        ('[database]\nurl = "mysql://u:secret@h"', "database.url: The address must begin with sqlite:///"),
        ('[blobs]\nurl = "ftp://x"', "blobs.url: The address must begin with file:, s3://"),
        ("ae = 5", "ae must be a section, written [ae]"),
        ('[[remote]]\nname = "a"\ntitle = "A"\nhost = "h"\nport = 0', "remote[1].port: It must be between 1 and 65535"),
        ('[[remote]]\nname = "a/b"\ntitle = "A"\nhost = "h"\nport = 1', "cannot be a remote's name"),
        ('[[remote]]\nname = "a"\ntitle = "A"\nport = 1', "/srv/netty/netty.toml:1: remote[1].host is missing"),
    ],
)
def test_a_wrong_value_is_told_in_words(text: str, words: str) -> None:
    (sentence,) = problems_of(text)

    assert words in sentence
    assert "secret" not in sentence


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    sentences = problems_of('daat = 1\n[ae]\nport = "x"\ntitel = "y"\n[web]\nport = -1\n')

    assert [sentence.split(": ")[0] for sentence in sentences] == [f"{FILE}:{line}" for line in (1, 3, 4, 6)]


def test_a_name_given_twice_is_told() -> None:
    entry = '[[remote]]\nname = "a"\ntitle = "A"\nhost = "h"\nport = 104\n'

    assert problems_of(entry + entry) == [f"{FILE}:7: the remote a stands in the file twice."]


def test_the_sentences_are_japanese_for_japanese_readers() -> None:
    with pytest.raises(SettingsProblems) as caught:
        settings_from("[ae]\nprot = 1", FILE)

    sentence = render(caught.value.problems[0], Language.JAPANESE)

    assert "ae.port" in sentence
    assert not sentence.isascii()


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETTY_AE__PORT", "104")
    monkeypatch.setenv("NETTY_QUERY__ACCESSION_NUMBER", "true")
    monkeypatch.setenv("NETTY_SEARCH__HOURS", "22:00-06:00, 12:00-13:00")
    monkeypatch.setenv("NETTY_RETRIEVE__LEVELS", '["study", "series"]')
    monkeypatch.setenv("NETTY_WEB__HOST", "")

    settings = settings_from('[ae]\nport = 11112\ntitle = "MINE"', FILE)

    assert (settings.ae.port, settings.ae.title) == (104, "MINE")
    assert settings.query.accession_number
    assert settings.search.hours == ("22:00-06:00", "12:00-13:00")
    assert settings.retrieve.levels == (RetrieveLevel.STUDY, RetrieveLevel.SERIES)
    assert settings.web.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("NETTY_AE__PORT", "many", 'NETTY_AE__PORT: ae.port must be a whole number, not "many".'),
        ("NETTY_AE__PROT", "1", "NETTY_AE__PROT: there is no setting ae.prot. Did you mean ae.port?"),
        ("NETTY_AEE__PORT", "1", "NETTY_AEE__PORT: there is no setting aee.port. Did you mean ae.port?"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert sentence in problems_of("")


@pytest.mark.parametrize(
    ("text", "data", "database", "blobs"),
    [
        ("", "/srv/netty/data", "sqlite:////srv/netty/data/netty.db", "file:///srv/netty/data/blobs"),
        ('data = "../d"', "/srv/d", "sqlite:////srv/d/netty.db", "file:///srv/d/blobs"),
        ('data = "/big/d/"', "/big/d", "sqlite:////big/d/netty.db", "file:///big/d/blobs"),
        (
            'data = "d"\n[database]\nurl = "sqlite:///data/netty.db"\n[blobs]\nurl = "file:/mnt/blobs"',
            "/srv/netty/d",
            "sqlite:////srv/netty/data/netty.db",
            "file:///mnt/blobs",
        ),
        (
            '[database]\nurl = "postgresql+psycopg://u@h/netty"\n[blobs]\nurl = "s3://bucket/data/x"',
            "/srv/netty/data",
            "postgresql+psycopg://u@h/netty",
            "s3://bucket/data/x",
        ),
    ],
)
def test_paths_are_relative_to_the_file(text: str, data: str, database: str, blobs: str) -> None:
    settings = settings_from(text, FILE)

    assert (str(settings.data), settings.database.url, settings.blobs.url) == (data, database, blobs)


def test_the_first_file_of_the_search_order_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, user, named = tmp_path / "netty.toml", tmp_path / "home/.config/netty/netty.toml", tmp_path / "named.toml"
    monkeypatch.chdir(tmp_path)
    user.parent.mkdir(parents=True)
    user.write_text('data = "of-the-user"')
    assert load_settings().data.name == "of-the-user"
    here.write_text('data = "here"')
    assert load_settings().data.name == "here"
    named.write_text('data = "named"')
    monkeypatch.setenv("NETTY_CONFIG", str(named))
    assert load_settings().data.name == "named"
    assert load_settings(here).data.name == "here"


def test_settings_are_made_once_for_the_same_words(tmp_path: Path) -> None:
    file = tmp_path / "netty.toml"
    file.write_text("[ae]\nport = 104\n")
    first = load_settings(file)
    file.write_text("[ae]\nport = 104\n")

    assert load_settings(file) is first


def test_whatever_changes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, elsewhere = Path("netty.toml"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    file.write_text("[ae]\nport = 104\n")
    (elsewhere / file).write_text('data = "~/data"\n')
    ports = [load_settings(file).ae.port]
    monkeypatch.setenv("netty_ae__port", "105")
    ports.append(load_settings(file).ae.port)
    monkeypatch.delenv("netty_ae__port")
    file.write_text("[ae]\nport = 106\n")
    ports.append(load_settings(file).ae.port)
    file.write_text('data = "~/data"\n')
    places = [load_settings(file)]
    monkeypatch.chdir(elsewhere)
    places.append(load_settings(file))
    monkeypatch.setenv("HOME", "/srv/another")
    places.append(load_settings(file))

    assert ports == [104, 105, 106]
    assert [one.file.parent for one in places] == [tmp_path, elsewhere, elsewhere]
    assert places[1].data != places[2].data == Path("/srv/another/data")


def test_without_a_file_the_way_to_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match="netty init"):
        load_settings()
    with pytest.raises(SettingsError, match=r"no settings file .*other\.toml"):
        load_settings(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[ae\nport", "is not valid TOML: .*line 1"),
        ("# 設定".encode("cp932"), "is not UTF-8"),
        (b"a = 1\na = 2", "TOML"),
    ],
)
def test_an_unreadable_file_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "netty.toml"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=words):
        load_settings(file)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "netty.toml"
    file.write_text("[ae]\nport = 104", encoding="utf-8-sig")

    assert load_settings(file).ae.port == 104


def test_remotes_of_the_file_are_managed_by_it() -> None:
    text = '[[remote]]\nname = "中央"\ntitle = "CENTRAL"\nhost = "10.0.0.1"\nport = 104\nlevels = ["study", "image"]'

    (remote,) = settings_from(text, FILE).remotes

    levels = (RetrieveLevel.STUDY, RetrieveLevel.IMAGE)
    assert remote == Remote("中央", "CENTRAL", "10.0.0.1", 104, managed=True, levels=levels)


def test_remotes_survive_the_way_through_toml() -> None:
    remotes = (
        Remote('a"b', "A", "h", 104, addresses=("10.0.0.1",), called_from=("X", "Y"), hours=("22:00-06:00",)),
        Remote("西", "W", "h", 1, response_restarts_on=RestartsOn.STORE, levels=(RetrieveLevel.STUDY,)),
    )

    assert remotes_from_toml(remotes_to_toml(remotes), FILE) == remotes


def test_lines_are_found_in_all_ways_of_writing_a_key() -> None:
    text = 'a = """\nb = 1\n"""\n[x]\ny.z = 1\n[[r]]\nn = 1\n[[r]]\n"n" = 2\n[x.w]\nq = { p = 1 }\n'
    tomllib.loads(text)

    lines = key_lines(text)

    wanted = {("a",): 1, ("x",): 4, ("x", "y", "z"): 5, ("r", 1, "n"): 9, ("x", "w", "q", "p"): 11}
    assert {path: line_of(lines, path) for path in wanted} == wanted
    assert ("b",) not in lines


@pytest.mark.parametrize("keep", ['dicom = "statement"', 'dicom = "basic"', 'burned_in = "mask"'])
def test_big_endian_beside_de_identification_is_an_error_that_says_what_to_do(tmp_path: Path, keep: str) -> None:
    text = f'[receive]\ntransfer_syntaxes = ["1.2.840.10008.1.2.2", "1.2.840.10008.1.2"]\n[keep]\n{keep}\n'
    with pytest.raises(SettingsProblems) as error:
        settings_from(text, tmp_path / "netty.toml")
    (problem,) = error.value.problems

    assert "retired big endian (1.2.840.10008.1.2.2)" in str(problem)
    assert 'set dicom = "none"' in str(problem)
    assert settings_from(text.replace(keep, ""), tmp_path / "netty.toml")
