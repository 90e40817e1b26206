"""The truth table of one patient: rows are studies, columns are remotes, a cell is what one holds of the other.

Pure: values in, values out. It never hides a doubt: a remote that did not answer is not a remote without studies.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netty.archive.held import HeldStudy
from netty.model.difference import Action, StudyDifference, StudyState
from netty.model.found import FoundStudy
from netty.model.patient import Patient
from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState
from netty.workflow.linkage import LinkView


class CellState(StrEnum):
    """What one remote lists of one study, against what is held here."""

    HELD = "held"
    PARTIAL = "partial"
    MISSING = "missing"
    UNOBTAINABLE = "unobtainable"
    ON_HOLD = "on_hold"
    NOT_LISTED = "not_listed"
    NOT_ANSWERED = "not_answered"
    NOT_SEARCHED = "not_searched"
    RUNNING = "moving"


@dataclass(frozen=True, slots=True)
class Running:
    """A retrieval that has not ended, counted."""

    state: RetrievalState
    received: int
    expected: int
    rendered: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One study at one remote. `detail` is a count (``120/300``); `reason` and `last_failure` are stored sentences."""

    id: str
    remote: str
    study_instance_uid: str
    state: CellState
    detail: str = ""
    reason: str = ""
    last_failure: str = ""
    fetchable: bool = False
    running: Running | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One remote at which the patient is linked."""

    remote: str
    patient_id: str
    searched_at: datetime | None
    failure: str
    searching: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One study. `held` is how many of its images are here, from wherever they came."""

    study_instance_uid: str
    study_date: str
    study_time: str
    modalities: tuple[str, ...]
    description: str
    accession_number: str
    held: int
    cells: tuple[Cell, ...]

    @property
    def state(self) -> CellState:
        """The whole row in one word: the most that is still to be done about it."""
        states = {cell.state for cell in self.cells}
        if CellState.RUNNING in states:
            return CellState.RUNNING
        if CellState.ON_HOLD in states:
            return CellState.ON_HOLD
        if states & {CellState.PARTIAL, CellState.MISSING}:
            return CellState.PARTIAL if self.held else CellState.MISSING
        return CellState.HELD if self.held else CellState.UNOBTAINABLE

    @property
    def fetchable(self) -> bool:
        """Whether something of it is missing that could be had, and nobody is fetching it yet."""
        return any(cell.fetchable for cell in self.cells) and not any(cell.running for cell in self.cells)


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many rows are in one state."""

    state: CellState
    count: int


@dataclass(frozen=True, slots=True)
class Table:
    """The whole."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def fetchable(self) -> int:
        """How many studies the button for everything would ask for."""
        return sum(row.fetchable for row in self.rows)

    @property
    def searching(self) -> tuple[str, ...]:
        """The remotes that are being asked just now."""
        return tuple(column.remote for column in self.columns if column.searching)

    @property
    def never_searched(self) -> bool:
        """Whether no remote was ever asked."""
        return all(column.searched_at is None and not column.failure for column in self.columns)

    @property
    def summary(self) -> tuple[StateCount, ...]:
        """The rows, counted by state."""
        counts = Counter(row.state for row in self.rows)
        return tuple(StateCount(state, counts[state]) for state in CellState if counts[state])


def cell_id(remote: str, study_instance_uid: str) -> str:
    """The cell's name in the page: the same in each answer, and safe whatever the remote is called."""
    return "c" + hashlib.sha256(f"{remote}\0{study_instance_uid}".encode()).hexdigest()[:16]


def make_table(
    patient: Patient,
    views: Iterable[LinkView],
    held: Iterable[HeldStudy],
    retrievals: Iterable[Retrieval],
    counts: Mapping[str, LedgerCount],
    searching: Collection[str] = (),
    failures: Mapping[str, str] | None = None,
) -> Table:
    """Put the answers of all remotes beside each other.

    Args:
        views: the last answers; links without one were never searched.
        held: the patient's studies that are here.
        retrievals: of these studies, newest first.
        counts: the ledgers of the unfinished retrievals.
        searching: remotes that are being asked just now.
        failures: remote to the reason why it could not even be asked.
    """
    by_remote = {view.remote: view for view in views}
    columns = tuple(
        _column(link.remote, link.patient_id, by_remote.get(link.remote), searching, failures or {})
        for link in patient.links
    )
    listed = {(view.remote, one.study.study_instance_uid): one for view in by_remote.values() for one in view.studies}
    newest: dict[tuple[str, str], Retrieval] = {}
    for retrieval in retrievals:
        newest.setdefault((retrieval.remote, retrieval.study_instance_uid), retrieval)
    here = {study.study_instance_uid: study for study in held}
    uids = dict.fromkeys([uid for _, uid in listed] + list(here))
    rows = []
    for uid in uids:
        places = [(column.remote, uid) for column in columns]
        cells = tuple(
            _cell(column, uid, listed.get(place), newest.get(place), counts)
            for column, place in zip(columns, places, strict=True)
        )
        found = [difference.study for place in places if (difference := listed.get(place))]
        rows.append(_row(uid, found, here.get(uid), cells))
    rows.sort(key=lambda row: (row.study_date, row.study_time, row.study_instance_uid), reverse=True)
    return Table(columns, tuple(rows))


def _column(
    remote: str, patient_id: str, view: LinkView | None, searching: Collection[str], failures: Mapping[str, str]
) -> Column:
    failure = failures.get(remote, "") or (view.failure if view else "")
    return Column(remote, patient_id, view.searched_at if view else None, failure, remote in searching)


def _row(uid: str, found: Sequence[FoundStudy], held: HeldStudy | None, cells: tuple[Cell, ...]) -> Row:
    """What is here was read from the images themselves, hence it comes first; then whatever a remote says."""

    def first(*values: str) -> str:
        return next((value for value in values if value), "")

    modalities = {modality for study in found for modality in study.modalities}
    return Row(
        study_instance_uid=uid,
        study_date=first(held.study_date if held else "", *(study.study_date for study in found)),
        study_time=first(held.study_time if held else "", *(study.study_time for study in found)),
        modalities=tuple(sorted(modalities | set(held.modalities if held else ()))),
        description=held.description if held else "",
        accession_number=first(held.accession_number if held else "", *(study.accession_number for study in found)),
        held=held.instance_count if held else 0,
        cells=cells,
    )


def _cell(
    column: Column,
    uid: str,
    difference: StudyDifference | None,
    retrieval: Retrieval | None,
    counts: Mapping[str, LedgerCount],
) -> Cell:
    name = cell_id(column.remote, uid)
    if retrieval and not retrieval.state.final:
        running = running_of(retrieval, counts.get(retrieval.id))
        return Cell(name, column.remote, uid, CellState.RUNNING, running=running)
    if difference is None:
        return Cell(name, column.remote, uid, _state_of_nothing(column))
    state, listed = _state(difference), difference.study.instance_count
    fetchable = difference.action is Action.FETCH
    if fetchable and retrieval and retrieval.state is RetrievalState.ON_HOLD:
        return Cell(name, column.remote, uid, CellState.ON_HOLD, reason=retrieval.reason, fetchable=True)
    failed = fetchable and retrieval and retrieval.state in (RetrievalState.FAILED, RetrievalState.PARTIAL)
    return Cell(
        id=name,
        remote=column.remote,
        study_instance_uid=uid,
        state=state,
        detail=str(listed) if state is CellState.HELD else f"{len(difference.held)}/{listed}",
        reason=difference.reason if difference.unobtainable else "",
        last_failure=retrieval.reason if failed and retrieval else "",
        fetchable=fetchable,
    )


def _state(difference: StudyDifference) -> CellState:
    if difference.unobtainable and not difference.missing and not difference.held:
        return CellState.UNOBTAINABLE
    return {
        StudyState.HELD: CellState.HELD,
        StudyState.PARTIAL: CellState.PARTIAL,
        StudyState.MISSING: CellState.MISSING,
    }[difference.state]


def _state_of_nothing(column: Column) -> CellState:
    if column.failure:
        return CellState.NOT_ANSWERED
    return CellState.NOT_LISTED if column.searched_at else CellState.NOT_SEARCHED


def running_of(retrieval: Retrieval, count: LedgerCount | None) -> Running:
    """A retrieval with its count, as a cell shows it."""
    if count is None:
        return Running(retrieval.state, 0, 0, 0)
    return Running(retrieval.state, count.received, count.expected, count.rendered)
