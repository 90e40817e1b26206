"""Renditions beside the first ones and in their place: through presentation states, with a series' range, anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, select, update

from netty.archive.audit import AuditEvent, AuditKind, write_events
from netty.archive.database import Database
from netty.archive.held import RenderState, Rendition
from netty.archive.received import ToRender
from netty.archive.registration import instances_to_render, replace_renditions, to_be_presented, to_render
from netty.archive.retrievals import UNFINISHED
from netty.archive.tables import instances, presentations, renditions, retrievals, series, series_ranges, studies


@dataclass(frozen=True, slots=True)
class ToPresent:
    """An image and a presentation state that refers to it, both held.

    Attributes:
        attempts: how often it was tried before.
        has_pictures: whether there are renditions from before, which are seen until new ones take their place.
    """

    id: int
    image: ToRender
    state: ToRender
    attempts: int
    has_pictures: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image with what is said of its renditions, those through presentation states left out."""

    instance: ToRender
    recipes: tuple[Mapping[str, Any], ...]
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of a request to render a study anew: how many images will be, and how many have no DICOM left."""

    waiting: int
    gone: int


class Renewal:
    """What is to be rendered once more, and what came of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- through presentation states ---

    def to_present(self, limit: int) -> list[ToPresent]:
        """Images and presentation states of one study that are yet to be seen together, the least tried first."""
        with self._database.read() as connection:
            pairs = connection.execute(_TO_PRESENT, {"most": limit}).all()
            if not pairs:
                return []
            of = _instances(connection, {pair.image_id for pair in pairs} | {pair.state_id for pair in pairs})
        return [
            ToPresent(pair.id, of[pair.image_id], of[pair.state_id], pair.attempts, bool(pair.has_pictures))
            for pair in pairs
        ]

    def presented(self, one: ToPresent, new: Sequence[Rendition]) -> list[str] | None:
        """Rows of an image's renditions through a state, in the place of those before; their blobs are synced.

        Gives the blob keys that nothing names any more; None where one of the two was deleted meanwhile.
        """
        with self._database.write() as connection:
            if not _settle(connection, one, ""):
                return None
            number = one.image.instance_id
            return replace_renditions(connection, one.state.sop_instance_uid, {number: new})[number]

    def not_presented(self, one: ToPresent, reason: str) -> None:
        """There are no renditions of this image through this state, and there will be none."""
        with self._database.write() as connection:
            _settle(connection, one, reason)

    def tried(self, one: ToPresent) -> None:
        """It failed, and is to be tried again."""
        attempts = {"attempts": presentations.c.attempts + 1}
        with self._database.write() as connection:
            connection.execute(update(presentations).where(presentations.c.id == one.id).values(attempts))

    # --- with the range of a series ---

    def series_without_range(self, limit: int) -> list[int]:
        """Series whose images are to share a range: their study has settled, and none of their images waits."""
        with self._database.read() as connection:
            return list(connection.scalars(_WITHOUT_RANGE, {"most": limit}))

    def drawn(self, series_id: int) -> list[Drawn]:
        """The images of a series that have pictures."""
        with self._database.read() as connection:
            numbers = select(instances.c.id).where(
                instances.c.series == series_id, instances.c.state == RenderState.RENDERED
            )
            of = _instances(connection, numbers)
            pictures: dict[int, list[Any]] = {number: [] for number in of}
            query = select(renditions.c.instance, renditions.c.recipe, renditions.c.flags)
            query = query.where(renditions.c.instance.in_(numbers), renditions.c.presentation_state == "")
            for row in connection.execute(query):
                pictures[row.instance].append(row)
        return [
            Drawn(
                of[number],
                tuple(row.recipe for row in rows),
                frozenset(flag for row in rows for flag in row.flags),
            )
            for number, rows in pictures.items()
        ]

    def replaced(self, instance_id: int, new: Sequence[Rendition]) -> list[str] | None:
        """Renditions of an image in the place of those before; their blobs are synced.

        Gives the blob keys that nothing names any more; None where it was deleted, or is to be rendered anew anyhow.
        """
        this = (instances.c.id == instance_id) & (instances.c.state == RenderState.RENDERED)
        with self._database.write() as connection:
            if connection.scalar(select(instances.c.id).where(this)) is None:
                return None
            return replace_renditions(connection, "", {instance_id: new})[instance_id]

    def has_range(self, series_id: int, last_instance: int | None = None) -> None:
        """All was done for this series that can be; not so where images came after the last one seen."""
        done = series_ranges.c.series == series_id
        if last_instance is not None:
            newer = (instances.c.id > last_instance) & (instances.c.state == RenderState.RENDERED)
            waits = instances.c.state == RenderState.WAITING
            done &= ~exists().where(instances.c.series == series_id, newer | waits)
        with self._database.write() as connection:
            connection.execute(series_ranges.delete().where(done))

    # --- anew ---

    def render_again(self, study_instance_uid: str, who: str) -> Renewed:
        """Have the images of a study rendered anew from what DICOM there is.

        Their renditions are seen until new ones take their place; how their retrieval went does not change.
        """
        of_study = select(series.c.id).join(studies).where(studies.c.study_instance_uid == study_instance_uid)
        these = instances.c.series.in_(of_study)
        there = instances.c.spool_name.is_not(None) | instances.c.kept_blob.is_not(None)
        with self._database.write() as connection:
            found = connection.execute(select(instances.c.id, there.label("there")).where(these)).all()
            again = [row.id for row in found if row.there]
            await_pictures(connection, and_(these, there))
            study = connection.execute(
                select(studies).where(studies.c.study_instance_uid == study_instance_uid)
            ).first()
            if study is not None and again:
                event = AuditEvent(
                    AuditKind.RENDERED_AGAIN,
                    who,
                    study.patient_key,
                    study_instance_uid,
                    study.remote,
                    detail={"instances": len(again)},
                )
                write_events(connection, [event])
        return Renewed(len(again), len(found) - len(again))


def await_pictures(connection: Connection, these: ColumnElement[bool]) -> None:
    """Have instances rendered again, also through the presentation states that refer to them."""
    numbers = select(instances.c.id).where(these)
    connection.execute(update(presentations).where(presentations.c.image.in_(numbers)).values(image=None, attempts=0))
    again = {"state": RenderState.WAITING, "reason": "", "attempts": 0}
    connection.execute(update(instances).where(these).values(again))


def _settle(connection: Connection, one: ToPresent, reason: str) -> bool:
    """Write how it went; False where one of the two is gone, or the image is to be rendered anew anyhow."""
    there = exists().where(instances.c.id == one.image.instance_id, instances.c.state == RenderState.RENDERED)
    values = {"image": one.image.instance_id, "reason": reason, "attempts": 0}
    statement = update(presentations).where(presentations.c.id == one.id, there).values(values)
    return connection.execute(statement).rowcount > 0


def _retrieved_now() -> ColumnElement[bool]:
    return exists().where(
        retrievals.c.study_instance_uid == studies.c.study_instance_uid, retrievals.c.state.in_(UNFINISHED)
    )


def _instances(connection: Connection, numbers: Collection[int] | Select[Any]) -> dict[int, ToRender]:
    query = instances_to_render().where(instances.c.id.in_(numbers)).order_by(instances.c.id)
    return {row.id: to_render(row) for row in connection.execute(query)}


def _pairs_to_present() -> Select[Any]:
    image, state = instances.alias("image_of_pair"), instances.alias("state_of_pair")
    before = (renditions.c.instance == image.c.id) & (renditions.c.presentation_state == state.c.sop_instance_uid)
    query = select(
        presentations.c.id,
        presentations.c.attempts,
        image.c.id.label("image_id"),
        state.c.id.label("state_id"),
        exists().where(before).correlate(image, state).label("has_pictures"),
    ).where(to_be_presented(image, state))
    return query.order_by(presentations.c.attempts, presentations.c.id).limit(bindparam("most"))


def _series_without_range() -> Select[Any]:
    waiting = exists().where(instances.c.series == series_ranges.c.series, instances.c.state == RenderState.WAITING)
    query = select(series_ranges.c.series).join(series, series_ranges.c.series == series.c.id).join(studies)
    return query.where(~waiting, ~_retrieved_now()).order_by(series_ranges.c.series).limit(bindparam("most"))


# Made once: they are asked again and again, and to put them together takes longer than to ask.
_TO_PRESENT: Final = _pairs_to_present()
_WITHOUT_RANGE: Final = _series_without_range()
