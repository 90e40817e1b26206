"""netty's own DICOM conformance statement (PS3.2), made of the tables and settings that the running code uses.

The prose stands in ``conformance_en.md`` and ``conformance_ja.md``; numbers, classes, statuses and timers are filled
in from here, so that the statement cannot say anything but what netty does.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from pydicom.uid import UID

from netty import __version__
from netty.dicom import tags
from netty.dicom.text import DEFINED_TERMS
from netty.dicom.uids import APPLICATION_CONTEXT, STORAGE_CLASSES, STUDY_ROOT_FIND, STUDY_ROOT_MOVE, VERIFICATION
from netty.dimse.status import FindStatus, MoveStatus, Status, StoreStatus, category, explain_find, explain_move
from netty.image.settings import RenderSettings
from netty.language import Language, translate
from netty.model.deidentification import STATEMENT_LEVEL, Becomes
from netty.model.remote import RetrieveLevel
from netty.network import query_scu
from netty.network.requestor import one_context
from netty.network.settings import AeSettings, LimitSettings, QuerySettings, Timers
from netty.network.storage_scp import STATUSES
from netty.ul.limits import LARGEST_MAXIMUM_LENGTH, SMALLEST_MAXIMUM_LENGTH, Limits
from netty.workflow import conformance_words as words
from netty.workflow.receive import UNSOLICITED_ANSWERS
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings, RetrieveSettings, SearchSettings

_NAMES = {
    **STORAGE_CLASSES,
    VERIFICATION: "Verification",
    STUDY_ROOT_FIND: "Study Root Query/Retrieve Information Model - FIND",
    STUDY_ROOT_MOVE: "Study Root Query/Retrieve Information Model - MOVE",
}
_MOVE_KEYS = {  # PS3.4 C.4.2.2.1: one value for each unique key above the level
    RetrieveLevel.STUDY: (tags.STUDY_INSTANCE_UID,),
    RetrieveLevel.SERIES: (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID),
    RetrieveLevel.IMAGE: (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID, tags.SOP_INSTANCE_UID),
}
_BOTH_WAYS = frozenset({Status.UNRECOGNIZED_OPERATION, Status.MISTYPED_ARGUMENT})


@dataclass(frozen=True, slots=True)
class Running:
    """What netty runs with; each part as the settings have it."""

    ae: AeSettings = field(default_factory=AeSettings)
    timers: Timers = field(default_factory=Timers)
    query: QuerySettings = field(default_factory=QuerySettings)
    receive: ReceiveSettings = field(default_factory=ReceiveSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    render: RenderSettings = field(default_factory=RenderSettings)
    keep: KeepSettings = field(default_factory=KeepSettings)
    retrieve: RetrieveSettings = field(default_factory=RetrieveSettings)
    search: SearchSettings = field(default_factory=SearchSettings)


def conformance_statement(running: Running, language: Language) -> str:
    """The whole statement, in Markdown."""
    source = files(__package__).joinpath(f"conformance_{language.value}.md").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    return environment.from_string(source).render(_values(running, language)).rstrip() + "\n"


def _values(running: Running, language: Language) -> dict[str, Any]:
    """Everything that the templates name."""
    receive = running.receive
    others = sorted(receive.accepted_classes - STORAGE_CLASSES.keys())
    scp = (VERIFICATION, *(uid for uid in STORAGE_CLASSES if uid in receive.accepted_classes), *others)
    return {
        "version": __version__,
        "application_context": APPLICATION_CONTEXT,
        "ae": running.ae,
        "timers": running.timers,
        "query": running.query,
        "receive": receive,
        "render": running.render,
        "keep": running.keep,
        "search": running.search,
        "limits": running.limits.of_association(receive.idle),
        "engine": Limits(maximum_length=running.ae.max_pdu, associate_length=running.limits.request),
        "walk": running.limits.of_data_set,
        "command_limit": running.limits.command_set,
        "smallest_pdu": SMALLEST_MAXIMUM_LENGTH,
        "largest_pdu": LARGEST_MAXIMUM_LENGTH,
        "scu_classes": _named((STUDY_ROOT_FIND, STUDY_ROOT_MOVE, VERIFICATION)),
        "scp_classes": _named(scp),
        "proposed": [
            (_named((uid,))[0], _named(one_context(uid)[0].transfer_syntaxes))
            for uid in (STUDY_ROOT_FIND, STUDY_ROOT_MOVE, VERIFICATION)
        ],
        "syntaxes": _named(receive.transfer_syntaxes),
        "levels": _levels(running.query),
        "move_levels": [level.upper() for level in running.retrieve.levels],
        "move_keys": [
            (level.upper(), *_attribute(tag)) for level in running.retrieve.levels for tag in _MOVE_KEYS[level]
        ],
        "find_statuses": _scu_statuses(FindStatus, explain_find, language),
        "move_statuses": _scu_statuses(MoveStatus, explain_move, language),
        "store_statuses": _store_statuses(running, language),
        "rejects": [(one.result, one.source, one.reason, text.said(language)) for one, text in words.REJECTS.items()],
        "aborts": [(int(reason), text.said(language)) for reason, text in words.ABORTS.items()],
        "results": [(int(result), text.said(language)) for result, text in words.CONTEXT_RESULTS.items()],
        "unsolicited": [
            (setting.value, f"{int(outcome.status):04X}", words.UNSOLICITED[setting].said(language))
            for setting, outcome in UNSOLICITED_ANSWERS.items()
        ],
        "unsolicited_status": f"{int(UNSOLICITED_ANSWERS[receive.unsolicited].status):04X}",
        "unsolicited_text": words.UNSOLICITED[receive.unsolicited].said(language),
        "kept": words.KEPT[running.keep.dicom].said(language),
        "cleared": _cleared(),
        "method": STATEMENT_LEVEL.method,
        "keep_values": [each.value for each in Keep],
        "character_sets": DEFINED_TERMS,
        "settings": list(_settings(running)),
        "legacy": receive.statuses == "statement",
    }


def _named(uids: Iterable[str]) -> list[tuple[str, str]]:
    """Names and UIDs."""
    return [(_NAMES.get(uid) or UID(uid).name, uid) for uid in uids]


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _attribute(tag: int) -> tuple[str, str]:
    return words.ATTRIBUTES[tag], _tag(tag)


def _levels(query: QuerySettings) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """For each level of the query its attributes: name, tag, and C (condition), R (result) or both (table 3)."""
    extra_study, extra_series = (
        (query_scu.EXTRA_STUDY_KEYS, query_scu.EXTRA_SERIES_KEYS) if query.extra_keys else ((), ())
    )
    accession = {tags.ACCESSION_NUMBER: "C/R"} if query.accession_number else {}
    levels: dict[str, tuple[Iterable[int], Mapping[int, str]]] = {
        "STUDY": ((tags.PATIENT_ID, *query_scu.STUDY_KEYS, *extra_study), {tags.PATIENT_ID: "C/R", **accession}),
        "SERIES": (
            (tags.STUDY_INSTANCE_UID, *query_scu.SERIES_KEYS, *extra_series),
            {tags.STUDY_INSTANCE_UID: "C"},
        ),
        "IMAGE": (
            (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID, *query_scu.IMAGE_KEYS),
            {tags.STUDY_INSTANCE_UID: "C", tags.SERIES_INSTANCE_UID: "C"},
        ),
    }
    return [
        (level, [(*_attribute(tag), uses.get(tag, "R")) for tag in sorted(keys)])
        for level, (keys, uses) in levels.items()
    ]


def _scu_statuses(statuses: Iterable[int], explain: Any, language: Language) -> list[tuple[str, str, str]]:
    """Code, kind, and what we take it for."""
    return [
        (f"{int(status):04X}", category(status).value, translate(explain(int(status)), language)) for status in statuses
    ]


def _store_statuses(running: Running, language: Language) -> list[tuple[str, str, str]]:
    """Code, kind and condition of every status that a C-STORE may be answered with, by the settings."""
    receive = running.receive
    given = STATUSES[receive.statuses]
    unsolicited = UNSOLICITED_ANSWERS[receive.unsolicited].status
    codes = [
        StoreStatus.SUCCESS,
        StoreStatus.OUT_OF_RESOURCES,
        given.sop_class_not_supported,
        StoreStatus.DATA_SET_DOES_NOT_MATCH,
        StoreStatus.CANNOT_UNDERSTAND,
        StoreStatus.COERCION_OF_DATA_ELEMENTS,
        StoreStatus.DATA_SET_DOES_NOT_MATCH_WARNING,
        StoreStatus.ELEMENTS_DISCARDED,
        given.invalid_sop_instance,
        given.stopping,
        unsolicited,
        *sorted(_BOTH_WAYS),
    ]
    rows = []
    for code in dict.fromkeys(int(each) for each in codes):
        kind, condition = words.STORE_STATUSES[code]
        said = condition.said(language)
        if code == given.invalid_sop_instance and code == StoreStatus.CANNOT_UNDERSTAND:
            said += words.INVALID_INSTANCE.said(language)
        if code == given.stopping and code == StoreStatus.OUT_OF_RESOURCES:
            said += words.STOPPING.said(language)
        if code == unsolicited and code == StoreStatus.CANNOT_UNDERSTAND:
            said += words.NOBODY_ASKED.said(language)
        if code in (StoreStatus.COERCION_OF_DATA_ELEMENTS, StoreStatus.ELEMENTS_DISCARDED):
            said += words.ONLY_WITH_WARNINGS.said(language)
        rows.append((f"{code:04X}", kind.said(language), said))
    return rows


def _settings(running: Running) -> Iterator[tuple[str, str]]:
    """Every setting that this statement depends on, with its value now."""
    for section in dataclasses.fields(running):
        part = getattr(running, section.name)
        for each in dataclasses.fields(part):
            yield f"{section.name}.{each.name}", _plain(getattr(part, each.name))


def _cleared() -> dict[str, list[str]]:
    """The elements that level `statement` lists, by what is left of them."""
    rows: dict[str, list[str]] = {each.name.lower(): [] for each in Becomes}
    for tag, row in STATEMENT_LEVEL.rows.items():
        rows[row.becomes.name.lower()].append(f"{_tag(tag)} {row.keyword}")
    return rows


def _plain(value: Any) -> str:
    """A value as the settings file has it, but for quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case tuple():
            return ", ".join(_plain(each) for each in value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)
