"""Query as SCP: C-FIND in the Study Root model, hierarchical (PS3.4 C.4.1)."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netty.dicom import tags
from netty.dicom.elements import decode_identifier, encode_identifier, text_value, text_values
from netty.dimse.command import FindRequest, FindResponse, respond
from netty.dimse.status import FindStatus, Refusal, Status
from netty.errors import PeerError
from netty.network.service import AnyResponse, Operation
from netty.simulator.index import IMAGE_TAGS, SERIES_TAGS, STUDY_TAGS, Index, StoredInstance
from netty.simulator.matching import matches
from netty.simulator.quirks import Quirk

Identifier = Mapping[int, bytes]
_LONGEST_IDENTIFIER: Final = 1 << 20
_AT_ONCE: Final = 64  # answers that leave in one write
_ALWAYS: Final = frozenset({tags.QUERY_RETRIEVE_LEVEL, tags.SPECIFIC_CHARACTER_SET, tags.RETRIEVE_AE_TITLE})


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the hierarchy: its unique key, what it can tell, and the unique keys above it."""

    unique: int
    attributes: frozenset[int]
    above: tuple[int, ...] = ()


LEVELS: Final[Mapping[str, Level]] = {
    "STUDY": Level(tags.STUDY_INSTANCE_UID, frozenset(STUDY_TAGS)),
    "SERIES": Level(tags.SERIES_INSTANCE_UID, frozenset(SERIES_TAGS), (tags.STUDY_INSTANCE_UID,)),
    "IMAGE": Level(tags.SOP_INSTANCE_UID, frozenset(IMAGE_TAGS), (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID)),
}


class IdentifierSink:
    """Collects the identifier of a C-FIND or C-MOVE, as `Incoming`."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """The next parts."""
        if len(self._data) + sum(map(len, parts)) > _LONGEST_IDENTIFIER:
            raise Refusal(Status.MISTYPED_ARGUMENT, "The identifier is too long.")
        self._data += b"".join(parts)
        return 0

    def abandon(self) -> None:
        """Nothing to do."""

    def identifier(self) -> dict[int, bytes]:
        """The identifier; a refusal where it cannot be read."""
        try:
            return decode_identifier(bytes(self._data))
        except PeerError as error:
            raise Refusal(FindStatus.UNABLE_TO_PROCESS, str(error)) from error


def level_of(identifier: Identifier) -> Level:
    """The level that is asked for; the unique keys above it must be given (PS3.4 C.4.1.2.1)."""
    level = LEVELS.get(text_value(identifier.get(tags.QUERY_RETRIEVE_LEVEL)))
    if level is None:
        raise Refusal(
            FindStatus.IDENTIFIER_DOES_NOT_MATCH,
            "Query/Retrieve Level must be STUDY, SERIES or IMAGE.",
            offending_element=tags.QUERY_RETRIEVE_LEVEL,
        )
    for tag in level.above:
        if len(text_values(identifier.get(tag))) != 1:
            raise Refusal(
                FindStatus.UNABLE_TO_PROCESS, "One UID is needed for each level above.", offending_element=tag
            )
    return level


class FindScp:
    """Answers from what `index` gives at the moment."""

    def __init__(self, title: str, index: Callable[[], Index], quirks: frozenset[Quirk]) -> None:
        self._title = title
        self._index = index
        self._quirks = quirks

    def begin(self, operation: Operation) -> "_Finding":
        """A request in the context of Study Root FIND."""
        if not isinstance(operation.request, FindRequest):
            raise Refusal(Status.UNRECOGNIZED_OPERATION, "Only C-FIND is served in this presentation context.")
        return _Finding(self, operation, operation.request)

    def answers(self, identifier: Identifier) -> Iterator[tuple[int, bytes]]:
        """Status and identifier of every match."""
        level = level_of(identifier)
        asked = [tag for tag in identifier if tag not in _ALWAYS]
        status = FindStatus.PENDING
        if any(tag not in level.attributes and tag not in level.above and tag not in COMPUTED for tag in asked):
            status = FindStatus.PENDING_WITHOUT_OPTIONAL_KEYS
        narrowing = [tag for tag in asked if tag in level.attributes and identifier[tag].strip(b" \0")]
        above = {tag: text_value(identifier[tag]) for tag in level.above}
        for entity in self._index().entities(level.unique, above).values():
            held = entity[0].values
            if all(matches(identifier, tag, identifier[tag], held) for tag in narrowing):
                yield status, encode_identifier(self._answer(identifier, level, entity, asked))

    def _answer(
        self, identifier: Identifier, level: Level, entity: Sequence[StoredInstance], asked: Iterable[int]
    ) -> dict[int, bytes | str]:
        held = entity[0].values
        answer: dict[int, bytes | str] = {
            tags.QUERY_RETRIEVE_LEVEL: identifier[tags.QUERY_RETRIEVE_LEVEL],
            tags.RETRIEVE_AE_TITLE: self._title,
            level.unique: held[level.unique],
        }
        if held.get(tags.SPECIFIC_CHARACTER_SET):
            answer[tags.SPECIFIC_CHARACTER_SET] = held[tags.SPECIFIC_CHARACTER_SET]
        for tag in asked:
            if tag in level.attributes or tag in level.above:
                answer[tag] = held.get(tag, b"")
            elif tag in COMPUTED:
                answer[tag] = COMPUTED[tag](entity)
        if Quirk.NO_SOP_CLASS in self._quirks:
            answer.pop(tags.SOP_CLASS_UID, None)
        return answer


class _Finding(IdentifierSink):
    def __init__(self, scp: FindScp, operation: Operation, request: FindRequest) -> None:
        super().__init__()
        self._scp = scp
        self._operation = operation
        self._request = request

    def finish_at_once(self) -> None:
        """It takes its time."""

    async def finish(self) -> AnyResponse:
        """Every match as a pending response, then the end."""
        pending = self._pending(FindStatus.PENDING)  # all answers to a query say the same but for their identifiers
        for number, (status, identifier) in enumerate(self._scp.answers(self.identifier()), 1):
            if status != pending.status:
                pending = self._pending(status)
            if number % _AT_ONCE:
                self._operation.queue(pending, identifier)
                continue
            await self._operation.respond(pending, identifier)
            await asyncio.sleep(0)  # others have their turn, and a C-CANCEL is heard
            if self._operation.cancelled.is_set():
                return respond(self._request, FindStatus.CANCEL)
        return respond(self._request)

    def _pending(self, status: int) -> FindResponse:
        return FindResponse(
            message_id_being_responded_to=self._request.message_id,
            affected_sop_class_uid=self._request.affected_sop_class_uid,
            status=status,
            has_data_set=True,
        )


def _modalities(entity: Sequence[StoredInstance]) -> str:
    return "\\".join(sorted({text_value(each.values.get(tags.MODALITY)) for each in entity} - {""}))


def _series(entity: Sequence[StoredInstance]) -> str:
    return str(len({each.series_instance_uid for each in entity}))


def _count(entity: Sequence[StoredInstance]) -> str:
    return str(len(entity))


COMPUTED: Final[Mapping[int, Callable[[Sequence[StoredInstance]], str]]] = {
    tags.MODALITIES_IN_STUDY: _modalities,
    tags.NUMBER_OF_STUDY_RELATED_SERIES: _series,
    tags.NUMBER_OF_STUDY_RELATED_INSTANCES: _count,
    tags.NUMBER_OF_SERIES_RELATED_INSTANCES: _count,
}
