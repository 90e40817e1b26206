"""netty's own conformance statement: in the form of PS3.2, true of the running code, and not stale in docs/."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from netty.cli.main import run
from netty.dimse.status import StoreStatus
from netty.language import Language
from netty.model.remote import Remote, RestartsOn
from netty.network.query_scu import find_instances, find_series, find_studies
from netty.network.settings import AeSettings, QuerySettings, Timers
from netty.workflow.conformance import Running, conformance_statement
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings, Unsolicited
from support.raw_peer import RawPacs, elements_of, images
from support.statement import rows, states

DOCS = Path(__file__).parents[2] / "docs"
BOTH = list(Language)
LEVEL = 0x00080052


def said(language: Language = Language.ENGLISH, **parts: Any) -> str:
    """The statement, with other settings."""
    return conformance_statement(Running(**parts), language)


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table whose heading line begins with `heading`."""
    lines = text.split(f"\n| {heading} ", 1)[1].splitlines()[2:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


@pytest.mark.parametrize("language", BOTH)
def test_the_document_is_what_netty_conformance_prints(language: Language) -> None:
    """If it is stale: netty conformance --lang LANG >docs/LANG/conformance.md, in a folder without settings."""
    assert (DOCS / language.value / "conformance.md").read_text(encoding="utf-8") == said(language)


@states("1")
@pytest.mark.parametrize("language", BOTH)
def test_it_has_the_chapters_of_ps3_2(language: Language) -> None:
    chapters = re.findall(r"^## (\d+)\. (.+)$", said(language), re.MULTILINE)

    assert [number for number, _ in chapters] == [str(number) for number in range(1, 9)]


def test_both_languages_have_the_same_sections_and_tables() -> None:
    shapes = [re.findall(r"^(?:#+ [\d.]+|\|(?=-))", said(language), re.MULTILINE) for language in BOTH]
    cells = [[len(line.split("|")) for line in said(language).splitlines() if line[:1] == "|"] for language in BOTH]

    assert shapes[0] == shapes[1]
    assert cells[0] == cells[1]


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize(
    "parts",
    [
        {"receive": ReceiveSettings(statuses="standard", unsolicited=Unsolicited.REFUSE, warn_changes=True, idle=30)},
        {"receive": ReceiveSettings(unsolicited=Unsolicited.DISCARD_SUCCESS, sop_classes=("1.2.840.10008.1.3.10",))},
        {"keep": KeepSettings(Keep.STATEMENT)},
        {"keep": KeepSettings(Keep.BASIC)},
        {"query": QuerySettings(accession_number=True, extra_keys=True)},
        {"timers": Timers(1.5, 2, 3, RestartsOn.STORE), "ae": AeSettings(implementation_class_uid="1.2.3")},
    ],
)
def test_it_can_be_said_with_any_settings(language: Language, parts: dict[str, Any]) -> None:
    text = said(language, **parts)

    assert "{{" not in text
    assert "{%" not in text
    assert "None" not in text
    assert text != said(language)


# --- it says what the code does ------------------------------------------------------------------------------------


@states("table 1", "table 2")
def test_it_names_the_classes_of_the_statement() -> None:
    text = said()
    scu, scp = text.split("As SCP:", 1)

    assert set(rows("1", 1)) <= {row[1] for row in table(scu, "SOP class")}
    assert [row[1] for row in table("As SCP:" + scp, "SOP class")] == rows("2", 1)


@states("table 4", "4.2.6 (3) association", "4.2.6 (3) response", "4.2.6 (3) total")
def test_it_names_contexts_and_timers() -> None:
    text = said()
    proposed = [[row[1], row[3], row[4]] for row in table(text, "Abstract syntax")]

    assert [row for row in proposed if row in rows("4")] == rows("4")
    assert [row[2] for row in table(text, "Timer")] == ["60", "60", "1000"]


@states("table 6")
@pytest.mark.parametrize("statuses", ["statement", "standard"])
def test_it_names_the_statuses(statuses: str) -> None:
    text = said(receive=ReceiveSettings(statuses=statuses)).split("Statuses of C-STORE", 1)[1]  # type: ignore[arg-type]
    codes = {row[0] for row in table(text, "Status")}
    of_the_statement = set(rows("6", 0))

    if statuses == "statement":
        assert of_the_statement <= codes
        assert codes - of_the_statement == {"0211", "0212"}
    else:
        assert of_the_statement - codes == {"A800", "FF00"}
        assert codes - of_the_statement == {"0122", "0117", "0211", "0212"}


def test_every_store_status_of_the_code_is_said_with_some_setting() -> None:
    texts = [
        said(receive=ReceiveSettings(statuses=statuses, unsolicited=unsolicited)).split("Statuses of C-STORE", 1)[1]
        for statuses in ("statement", "standard")
        for unsolicited in Unsolicited
    ]
    codes = {row[0] for text in texts for row in table(text, "Status")}

    assert {f"{int(status):04X}" for status in StoreStatus} <= codes


@states("table 3")
@pytest.mark.parametrize("extra", [False, True])
async def test_the_attributes_are_those_that_are_asked_for(extra: bool) -> None:
    text = said(query=QuerySettings(extra_keys=extra))
    stated: dict[str, set[str]] = {}
    for level, _, tag, _ in table(text, "Level"):
        stated.setdefault(level, set()).add(tag)
    with RawPacs(images("stated", 1)) as pacs:
        remote, ae, timers = Remote("raw", "RAW", "127.0.0.1", pacs.port), AeSettings(), Timers(5, 5, 10)
        await find_studies(remote, ae, timers, "RAW-1", extra_keys=extra)
        await find_series(remote, ae, timers, "1.2.3", extra_keys=extra)
        await find_instances(remote, ae, timers, "1.2.3", "1.2.3.4")
    asked = {}
    for message in pacs.finds:
        identifier = elements_of(message.data)
        level = identifier.pop(LEVEL).decode().strip()
        asked[level] = {f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in identifier}

    assert stated == asked


@states("7")
def test_every_setting_of_its_parts_is_listed_with_its_value() -> None:
    text = said(ae=AeSettings(port=4242))
    listed = dict(table(text.split("### 6.2", 1)[1], "Setting"))

    assert listed["`ae.port`"] == "4242"
    expected = {
        f"`{part.name}.{each.name}`" for part in fields(Running) for each in fields(getattr(Running(), part.name))
    }
    assert set(listed) == expected


@pytest.mark.parametrize(
    ("parts", "gone"),
    [
        ({"receive": ReceiveSettings(statuses="standard")}, "A800"),
        ({"timers": Timers(response_restarts_on=RestartsOn.STORE)}, "A C-MOVE ends when no response came"),
        ({"ae": AeSettings(implementation_class_uid="1.2.3")}, "those of OFFIS DCMTK"),
        ({"receive": ReceiveSettings(unsolicited=Unsolicited.REFUSE)}, "C000 for images that nobody asked for"),
        ({"receive": ReceiveSettings(warn_changes=True)}, "No B000 or B006"),
    ],
)
def test_a_departure_is_told_unless_its_setting_ends_it(parts: dict[str, Any], gone: str) -> None:
    def departures(text: str) -> str:
        return text.split("### 5.2", 1)[1].split("### 5.3", 1)[0]

    assert gone in departures(said())
    assert gone not in departures(said(**parts))


# --- the command ---------------------------------------------------------------------------------------------------


@states("1", "7")
@pytest.mark.parametrize("language", BOTH)
def test_the_command_prints_it_by_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language
) -> None:
    settings = tmp_path / "netty.toml"
    settings.write_text('[ae]\ntitle = "ANOTHER"\nmax_pdu = 131072\n', encoding="utf-8")

    assert run(["--config", str(settings), "conformance", "--lang", language.value]) == 0
    assert capsys.readouterr().out == said(language, ae=AeSettings(title="ANOTHER", max_pdu=131072))


def test_without_settings_the_command_prints_the_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NETTY_CONFIG", raising=False)

    assert run(["conformance", "--lang", "ja"]) == 0
    assert capsys.readouterr().out == said(Language.JAPANESE)
