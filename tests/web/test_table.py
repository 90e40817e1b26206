"""The truth table: what each remote holds of each study, against what is here."""

from datetime import UTC, datetime

import pytest

from netty.model.difference import StudyDifference, difference
from netty.model.found import FoundStudy
from netty.model.patient import Patient, PatientLink
from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState
from netty.web.table import Cell, CellState, Table, cell_id, make_table
from netty.workflow.linkage import LinkView
from support.pages import CT, make_study

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STUDY = make_study(1, "1", ("CT", 3))
PATIENT = Patient("P", "", "", (PatientLink("central", "1"), PatientLink("east", "2")))


def _against(held: int, lost: int = 0, study: FoundStudy = STUDY) -> StudyDifference:
    uids = [one.sop_instance_uid for one in study.instances]
    unobtainable = dict.fromkeys(uids[held : held + lost], "It cannot be had.")
    return difference(study, set(uids[:held]), unobtainable, {CT})


def _table(*differences: StudyDifference, failure: str = "", retrieval: Retrieval | None = None) -> Table:
    view = LinkView("central", "1", NOW, failure, differences)
    counts = {"r": LedgerCount(3, 2, 1, 0, 0, 0)}
    return make_table(PATIENT, [view], [], [retrieval] if retrieval else [], counts)


def _cell(table: Table) -> Cell:
    return table.rows[0].cells[0]


def _retrieval(state: RetrievalState, reason: str = "") -> Retrieval:
    uid = STUDY.study_instance_uid
    return Retrieval("r", "central", uid, "P", "1", state, "somebody", NOW, reason=reason)


@pytest.mark.parametrize(
    ("held", "lost", "state", "detail", "fetchable"),
    [
        (3, 0, CellState.HELD, "3", False),
        (2, 0, CellState.PARTIAL, "2/3", True),
        (0, 0, CellState.MISSING, "0/3", True),
        (2, 1, CellState.HELD, "3", False),
        (1, 1, CellState.PARTIAL, "1/3", True),
        (0, 3, CellState.UNOBTAINABLE, "0/3", False),
    ],
)
def test_a_cell_says_how_much_is_here(held: int, lost: int, state: CellState, detail: str, fetchable: bool) -> None:
    cell = _cell(_table(_against(held, lost)))

    assert (cell.state, cell.detail, cell.fetchable) == (state, detail, fetchable)


def test_what_cannot_be_had_is_said_beside_what_is_held() -> None:
    assert _cell(_table(_against(2, 1))).reason == "2 of 3 images are held; 1 cannot be obtained."


def test_a_remote_that_was_never_asked_is_not_one_without_studies() -> None:
    assert _table(_against(3)).rows[0].cells[1].state is CellState.NOT_SEARCHED


def test_a_remote_that_does_not_list_a_study_says_so() -> None:
    views = [LinkView("central", "1", NOW, "", (_against(3),)), LinkView("east", "2", NOW, "", ())]

    assert make_table(PATIENT, views, [], [], {}).rows[0].cells[1].state is CellState.NOT_LISTED


def test_a_remote_that_did_not_answer_is_not_one_without_studies() -> None:
    views = [LinkView("central", "1", NOW, "", (_against(3),)), LinkView("east", "2", NOW, "It is down.", ())]

    assert make_table(PATIENT, views, [], [], {}).rows[0].cells[1].state is CellState.NOT_ANSWERED


def test_the_last_good_answer_stays_when_a_search_fails() -> None:
    table = _table(_against(3), failure="It is down.")

    assert _cell(table).state is CellState.HELD
    assert table.columns[0].failure == "It is down."


@pytest.mark.parametrize("state", [RetrievalState.QUEUED, RetrievalState.MOVING, RetrievalState.SETTLING])
def test_a_running_retrieval_shows_its_progress_instead(state: RetrievalState) -> None:
    table = _table(_against(0), retrieval=_retrieval(state))

    assert _cell(table).running is not None
    assert _cell(table).state is CellState.RUNNING
    assert table.fetchable == 0


@pytest.mark.parametrize("state", [RetrievalState.FAILED, RetrievalState.PARTIAL])
def test_the_last_failure_stays_with_what_is_still_missing(state: RetrievalState) -> None:
    table = _table(_against(1), retrieval=_retrieval(state, "It went away."))

    assert _cell(table).last_failure == "It went away."
    assert table.fetchable == 1


def test_a_failure_is_forgotten_when_nothing_is_missing_any_more() -> None:
    assert _cell(_table(_against(3), retrieval=_retrieval(RetrievalState.FAILED, "It went away."))).last_failure == ""


def test_images_on_hold_are_neither_held_nor_missing() -> None:
    cell = _cell(_table(_against(0), retrieval=_retrieval(RetrievalState.ON_HOLD, "1 images are on hold.")))

    assert (cell.state, cell.reason) == (CellState.ON_HOLD, "1 images are on hold.")


def test_studies_stand_newest_first() -> None:
    old, new = make_study(5, "1", ("CT", 1), date="20200101"), make_study(6, "1", ("CT", 1), date="20260101")

    table = _table(_against(0, study=old), _against(0, study=new))

    assert [row.study_date for row in table.rows] == ["20260101", "20200101"]


def test_a_study_that_two_remotes_list_is_one_row() -> None:
    views = [LinkView(name, "1", NOW, "", (_against(3),)) for name in ("central", "east")]

    assert len(make_table(PATIENT, views, [], [], {}).rows) == 1


def test_a_remote_that_is_being_asked_says_so() -> None:
    table = make_table(PATIENT, [], [], [], {}, searching={"east"})

    assert table.searching == ("east",)
    assert table.never_searched


def test_a_cells_name_is_safe_whatever_the_remote_is_called() -> None:
    assert cell_id('a"><b', "1.2").isalnum()
    assert cell_id("a", "1.2") != cell_id("a1", ".2")


def test_the_summary_counts_rows() -> None:
    other = make_study(7, "1", ("CT", 1))
    table = _table(_against(0), _against(0, study=other))

    assert [(one.state, one.count) for one in table.summary] == [(CellState.MISSING, 2)]
