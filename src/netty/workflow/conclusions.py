"""What follows from a data set that came in whole: its facts, what it offers to admission, and what to answer.

The images of a series differ in little but their pixels. What was concluded of one holds for the next where nothing but
the SOP Instance UID and the Instance Number differs in all that it was concluded from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from netty.dicom import tags
from netty.dicom.facts import facts_of, uid_of
from netty.dicom.iod import IMAGE_CLASSES, departure
from netty.dicom.uids import is_usable_uid
from netty.dicom.walk import WalkResult
from netty.dimse.command import StoreRequest
from netty.dimse.status import Refusal, StoreStatus
from netty.model.lease import Offered
from netty.network.service import CallingAssociation
from netty.network.storage_scp import StoreOutcome
from netty.workflow.settings import Keep

_REMEMBERED: Final = 64  # associations

# What our copy lacks beside what was sent; told only with `warn_changes`.
_DISCARDED: Final = StoreOutcome(StoreStatus.ELEMENTS_DISCARDED, "Pictures are kept, the DICOM object is not.")
_KEPT_AS: Final = {
    Keep.STATEMENT: StoreOutcome(
        StoreStatus.COERCION_OF_DATA_ELEMENTS,
        "Identifying elements are cleared in the copy that is kept.",
        tags.PATIENT_ID,
    ),
    Keep.BASIC: StoreOutcome(
        StoreStatus.ELEMENTS_DISCARDED, "Identifying elements are removed in the copy that is kept."
    ),
}


@dataclass(frozen=True, slots=True)
class Conclusions:
    """What follows from one data set.

    Attributes:
        outcome: what to answer once it is kept: success, or one of the warnings of statement table 6.
        is_repeated: the image before it in its association had the same, but for what names it.
    """

    facts: Mapping[str, str]
    study_instance_uid: str
    series_instance_uid: str
    offered: Offered
    outcome: StoreOutcome
    is_repeated: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The last conclusions about an association, and all that they were drawn from."""

    association: CallingAssociation
    command: tuple[object, ...]
    values: Mapping[int, bytes]
    pixel_length: tuple[int | None] | None
    conclusions: Conclusions


class Concluder:
    """Draws conclusions; `keep` and `warn_changes` are the settings that the answer depends on."""

    def __init__(self, keep: Keep, warn_changes: bool) -> None:
        self._keep = keep
        self._warn_changes = warn_changes
        self._remembered: dict[int, _Remembered] = {}

    def conclude(self, request: StoreRequest, association: CallingAssociation, result: WalkResult) -> Conclusions:
        """From a walk to the end.

        Raises:
            Refusal: the data set is not what the command says, or lacks study or series (PS3.4 B.2.3; table 6).
        """
        values = dict(result.values)
        instance = values.pop(tags.SOP_INSTANCE_UID, b"")
        number = values.pop(tags.INSTANCE_NUMBER, None)
        own = {} if number is None else facts_of({tags.INSTANCE_NUMBER: number})
        pixel_length = None if result.pixel_data is None else (result.pixel_data.length,)
        command = (
            request.affected_sop_class_uid,
            request.move_originator_ae_title,
            request.move_originator_message_id,
        )
        known = self._remembered.get(association.number)
        if (
            known is not None
            and known.association is association
            and known.command == command
            and known.pixel_length == pixel_length
            and known.values == values
        ):
            _check(tags.SOP_INSTANCE_UID, instance, request.affected_sop_instance_uid)
            drawn, is_repeated = known.conclusions, True
        else:
            is_repeated = False
            drawn = self._drawn(request, association, result, facts_of(values))
            self._remember(_Remembered(association, command, values, pixel_length, drawn))
        return Conclusions(
            {**drawn.facts, **own},
            drawn.study_instance_uid,
            drawn.series_instance_uid,
            drawn.offered,
            drawn.outcome,
            is_repeated,
        )

    def _remember(self, one: _Remembered) -> None:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[one.association.number] = one

    def _drawn(
        self, request: StoreRequest, association: CallingAssociation, result: WalkResult, facts: Mapping[str, str]
    ) -> Conclusions:
        values = result.values
        _check(tags.SOP_CLASS_UID, values.get(tags.SOP_CLASS_UID, b""), request.affected_sop_class_uid)
        _check(tags.SOP_INSTANCE_UID, values.get(tags.SOP_INSTANCE_UID, b""), request.affected_sop_instance_uid)
        for tag in (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID):
            if not is_usable_uid(uid_of(values, tag)):
                raise Refusal(
                    StoreStatus.CANNOT_UNDERSTAND,
                    "The data set lacks a valid Study or Series UID.",
                    offending_element=tag,
                )
        study = uid_of(values, tags.STUDY_INSTANCE_UID)
        return Conclusions(
            facts=facts,
            study_instance_uid=study,
            series_instance_uid=uid_of(values, tags.SERIES_INSTANCE_UID),
            offered=Offered(
                remotes=association.remotes,
                study_instance_uid=study,
                patient_id=facts.get("patient_id", ""),
                move_originator_ae_title=request.move_originator_ae_title,
                move_originator_message_id=request.move_originator_message_id,
            ),
            outcome=self._outcome(request.affected_sop_class_uid, result),
        )

    def _outcome(self, sop_class_uid: str, result: WalkResult) -> StoreOutcome:
        departs = departure(sop_class_uid, result.values, result.pixel_data)
        if departs is not None:
            return StoreOutcome(StoreStatus.DATA_SET_DOES_NOT_MATCH_WARNING, departs.comment, departs.element)
        if self._warn_changes and self._keep is not Keep.NONE:
            return _KEPT_AS[self._keep]
        if self._warn_changes and sop_class_uid in IMAGE_CLASSES:  # what has no picture is kept as it is
            return _DISCARDED
        return StoreOutcome(StoreStatus.SUCCESS)


def _check(tag: int, value: bytes, expected: str) -> None:
    if uid_of({tag: value}, tag) != expected:
        raise Refusal(
            StoreStatus.DATA_SET_DOES_NOT_MATCH,
            "The UID in the data set is not that of the command.",
            offending_element=tag,
        )
