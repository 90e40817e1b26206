"""Query as SCU: C-FIND, Study Root, hierarchical; one association for each (PS3.4 C.4.1, statement 4.2.6)."""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from netty.dicom import tags
from netty.dicom.elements import decode_identifier, encode_identifier, text_value
from netty.dicom.text import character_sets, decode_text
from netty.dicom.uids import STUDY_ROOT_FIND, is_usable_uid
from netty.dimse.command import FindRequest, FindResponse
from netty.dimse.status import Category, category
from netty.errors import PeerError, UsageError
from netty.model.found import FoundInstance, FoundSeries, FoundStudy
from netty.model.identity import same_patient_id, searchable_patient_id
from netty.model.remote import Remote
from netty.network.errors import AssociationAborted, find_failure
from netty.network.requestor import RequestedAssociation, associate, one_context
from netty.network.settings import AeSettings, Timers

log = logging.getLogger(__name__)

Identifier = Mapping[int, bytes]
_Found = TypeVar("_Found", FoundStudy, FoundSeries, FoundInstance)

_MESSAGE_ID: Final = 1  # one operation per association
_MOST_ANSWERS: Final = 1_000_000
_UTF_8: Final = "ISO_IR 192"

# What each level asks back (statement table 3; SOP Class UID so that the plan knows what we cannot take).
STUDY_KEYS: Final = (tags.STUDY_DATE, tags.STUDY_TIME, tags.ACCESSION_NUMBER, tags.STUDY_INSTANCE_UID)
SERIES_KEYS: Final = (tags.MODALITY, tags.SERIES_INSTANCE_UID)
IMAGE_KEYS: Final = (tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID, tags.INSTANCE_NUMBER)
EXTRA_STUDY_KEYS: Final = (
    tags.PATIENT_NAME,
    tags.PATIENT_BIRTH_DATE,
    tags.STUDY_DESCRIPTION,
    tags.MODALITIES_IN_STUDY,
    tags.NUMBER_OF_STUDY_RELATED_SERIES,
    tags.NUMBER_OF_STUDY_RELATED_INSTANCES,
)
EXTRA_SERIES_KEYS: Final = (
    tags.SERIES_NUMBER,
    tags.SERIES_DESCRIPTION,
    tags.NUMBER_OF_SERIES_RELATED_INSTANCES,
)


async def find_studies(
    remote: Remote,
    ae: AeSettings,
    timers: Timers,
    patient_id: str,
    accession_number: str = "",
    extra_keys: bool = False,
) -> list[FoundStudy]:
    """The studies of one patient. Answers for anybody else are dropped, and logged.

    Raises:
        UsageError: the ID could match other patients; nothing is sent.
        PeerError: the remote cannot be asked, or fails.
    """
    patient_id = searchable_patient_id(patient_id)
    keys: dict[int, str | bytes] = dict.fromkeys((*STUDY_KEYS, *(EXTRA_STUDY_KEYS if extra_keys else ())), "")
    keys[tags.QUERY_RETRIEVE_LEVEL] = "STUDY"
    keys[tags.PATIENT_ID] = patient_id
    if accession_number:
        keys[tags.ACCESSION_NUMBER] = _exact(accession_number)
    if not all(value.isascii() for value in keys.values()):
        keys = {tag: value.encode() if isinstance(value, str) else value for tag, value in keys.items()}
        keys[tags.SPECIFIC_CHARACTER_SET] = _UTF_8

    def study(answer: Identifier) -> FoundStudy | None:
        answered = decode_text(answer.get(tags.PATIENT_ID, b""), _character_sets(answer))
        if not same_patient_id(answered, patient_id):
            return None
        return FoundStudy(
            study_instance_uid=text_value(answer.get(tags.STUDY_INSTANCE_UID)),
            patient_id=patient_id,
            study_date=text_value(answer.get(tags.STUDY_DATE)),
            study_time=text_value(answer.get(tags.STUDY_TIME)),
            accession_number=decode_text(answer.get(tags.ACCESSION_NUMBER, b""), _character_sets(answer)),
        )

    return await _collect(remote, ae, timers, keys, study, lambda found: found.study_instance_uid)


async def find_series(
    remote: Remote, ae: AeSettings, timers: Timers, study_instance_uid: str, extra_keys: bool = False
) -> list[FoundSeries]:
    """The series of one study, without their instances. Raises as `find_studies`."""
    keys: dict[int, str | bytes] = dict.fromkeys((*SERIES_KEYS, *(EXTRA_SERIES_KEYS if extra_keys else ())), "")
    study_instance_uid = usable_uid(study_instance_uid, "Study Instance UID")
    keys[tags.QUERY_RETRIEVE_LEVEL] = "SERIES"
    keys[tags.STUDY_INSTANCE_UID] = study_instance_uid

    def series(answer: Identifier) -> FoundSeries | None:
        if _names_another(answer, tags.STUDY_INSTANCE_UID, study_instance_uid):
            return None
        return FoundSeries(
            series_instance_uid=text_value(answer.get(tags.SERIES_INSTANCE_UID)),
            modality=text_value(answer.get(tags.MODALITY)),
        )

    return await _collect(remote, ae, timers, keys, series, lambda found: found.series_instance_uid)


async def find_instances(
    remote: Remote, ae: AeSettings, timers: Timers, study_instance_uid: str, series_instance_uid: str
) -> list[FoundInstance]:
    """The instances of one series. Raises as `find_studies`.

    Both upper UIDs are sent, and never empty: dcmqrscp would answer with every patient's images.
    """
    keys: dict[int, str | bytes] = dict.fromkeys(IMAGE_KEYS, "")
    study_instance_uid = usable_uid(study_instance_uid, "Study Instance UID")
    series_instance_uid = usable_uid(series_instance_uid, "Series Instance UID")
    keys[tags.QUERY_RETRIEVE_LEVEL] = "IMAGE"
    keys[tags.STUDY_INSTANCE_UID] = study_instance_uid
    keys[tags.SERIES_INSTANCE_UID] = series_instance_uid

    def instance(answer: Identifier) -> FoundInstance | None:
        if _names_another(answer, tags.STUDY_INSTANCE_UID, study_instance_uid) or _names_another(
            answer, tags.SERIES_INSTANCE_UID, series_instance_uid
        ):
            return None
        return FoundInstance(
            sop_instance_uid=text_value(answer.get(tags.SOP_INSTANCE_UID)),
            sop_class_uid=text_value(answer.get(tags.SOP_CLASS_UID)),
            instance_number=text_value(answer.get(tags.INSTANCE_NUMBER)),
        )

    return await _collect(remote, ae, timers, keys, instance, lambda found: found.sop_instance_uid)


def usable_uid(value: str, name: str) -> str:
    """`value`, trimmed, if it can name one thing; an empty UID would match everything, so it is never sent.

    Raises:
        UsageError: naming which UID is not usable.
    """
    uid = value.strip(" \0")
    if not is_usable_uid(uid):
        raise UsageError(
            "{value} is not usable as {name}. Give 1 to 64 digits and points.", value=repr(value), name=name
        )
    return uid


def _exact(accession_number: str) -> str:
    """An Accession Number that matches itself only (PS3.4 C.2.2.2.4)."""
    number = accession_number.strip()
    if not number or set("*?\\") & set(number) or len(number) > 16 or not number.isprintable():
        raise UsageError(
            "{number} cannot be searched for as accession number: give 1 to 16 characters, no * ? or backslash.",
            number=repr(accession_number),
        )
    return number


async def _collect(
    remote: Remote,
    ae: AeSettings,
    timers: Timers,
    keys: Mapping[int, str | bytes],
    read: Callable[[Identifier], _Found | None],
    uid_of: Callable[[_Found], str],
) -> list[_Found]:
    """Ask, and keep each answer that is ours and names something, once."""
    kept = _Kept(read, uid_of)
    async with associate(remote, ae, timers, one_context(STUDY_ROOT_FIND)) as association:
        await _ask(association, encode_identifier(keys), kept.take)
    kept.warn(remote, keys)
    return list(kept.found.values())


class _Kept(Generic[_Found]):
    """The answers that are ours and name something, each once; the others are counted."""

    def __init__(self, read: Callable[[Identifier], _Found | None], uid_of: Callable[[_Found], str]) -> None:
        self._read: Callable[[Identifier], _Found | None] = read
        self._uid_of: Callable[[_Found], str] = uid_of
        self.found: dict[str, _Found] = {}
        self._foreign = self._nameless = 0

    def take(self, answer: Identifier) -> None:
        one = self._read(answer)
        if one is None:
            self._foreign += 1
            return
        uid = self._uid_of(one)
        if is_usable_uid(uid):
            self.found.setdefault(uid, one)
        else:
            self._nameless += 1

    def warn(self, remote: Remote, keys: Mapping[int, str | bytes]) -> None:
        """Never silent, but without anybody's ID."""
        for count, why in (
            (self._foreign, "belong to another patient, study or series"),
            (self._nameless, "have no usable UID"),
        ):
            if count:
                level = keys[tags.QUERY_RETRIEVE_LEVEL]
                log.warning("%d answers of remote %s at level %s were dropped: they %s", count, remote.name, level, why)


async def _ask(association: RequestedAssociation, identifier: bytes, take: Callable[[Identifier], None]) -> None:
    """One C-FIND; `take` is given its matches (PS3.4 Table C.4-1): FF01 is one as well as FF00."""
    remote = association.remote.name
    context = association.context_for(STUDY_ROOT_FIND, "Study Root Query/Retrieve - FIND")
    await association.send(context.context_id, FindRequest(message_id=_MESSAGE_ID), identifier)
    for _ in range(_MOST_ANSWERS):
        received = association.at_hand() or await association.receive()
        response, data_set = received if received else (None, b"")
        if not isinstance(response, FindResponse):
            raise AssociationAborted("The remote {remote} answered C-FIND with something else.", remote=remote)
        match category(response.status):
            case Category.PENDING:
                if response.has_data_set:
                    take(decode_identifier(data_set))
            case Category.SUCCESS:
                return
            case Category.WARNING:
                log.warning("remote %s ended a search with warning %04X", remote, response.status)
                return
            case _:
                raise find_failure(remote, response.status, response.error_comment or "")
    raise PeerError(
        "The remote {remote} gave more than {count} answers to one search.", remote=remote, count=_MOST_ANSWERS
    )


def _names_another(answer: Identifier, tag: int, uid: str) -> bool:
    """Whether an answer says that it belongs elsewhere. A remote that does not repeat the key is believed."""
    named = text_value(answer.get(tag))
    return bool(named) and named != uid


def _character_sets(answer: Identifier) -> tuple[str, ...]:
    return character_sets(answer.get(tags.SPECIFIC_CHARACTER_SET, b""))
