"""Found minus held: what would be fetched, and why not."""

import pytest

from netty.model.difference import Action, StudyState, difference, studies_to_fetch
from netty.model.found import FoundInstance, FoundSeries, FoundStudy

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.11"


def study(*instances: tuple[str, str]) -> FoundStudy:
    found = tuple(FoundInstance(uid, sop_class_uid) for uid, sop_class_uid in instances)
    return FoundStudy("1.2.3", "P1", series=(FoundSeries("1.2.3.1", "CT", found),))


@pytest.mark.parametrize(
    ("instances", "held", "known", "state", "action", "reason"),
    [
        ([("1", CT), ("2", CT)], {"1", "2"}, {}, StudyState.HELD, Action.SKIP, "All 2 images are held."),
        ([("1", CT), ("2", CT)], set(), {}, StudyState.MISSING, Action.FETCH, "2 of 2 images are missing here."),
        ([("1", CT), ("2", CT)], {"1"}, {}, StudyState.PARTIAL, Action.FETCH, "1 of 2 images are missing here."),
        ([("1", CT), ("2", SR)], {"1"}, {}, StudyState.HELD, Action.SKIP, "1 of 2 images are held; 1 cannot be"),
        ([("1", SR)], set(), {}, StudyState.MISSING, Action.SKIP, "0 of 1 images are held; 1 cannot be"),
        ([("1", CT)], set(), {"1": "offline"}, StudyState.MISSING, Action.SKIP, "1 cannot be obtained"),
        ([("1", CT)], {"1"}, {"1": "offline"}, StudyState.HELD, Action.SKIP, "All 1 images are held."),
        ([("1", "")], set(), {}, StudyState.MISSING, Action.FETCH, "1 of 1 images are missing here."),
        ([], set(), {}, StudyState.HELD, Action.SKIP, "The remote lists no image in this study."),
    ],
)
def test_every_listed_instance_is_held_missing_or_unobtainable(
    instances: list[tuple[str, str]],
    held: set[str],
    known: dict[str, str],
    state: StudyState,
    action: Action,
    reason: str,
) -> None:
    one = difference(study(*instances), held, known, {CT})

    assert (one.state, one.action) == (state, action)
    assert one.reason.startswith(reason) or reason in one.reason
    assert len(one.held) + len(one.missing) + len(one.unobtainable) == len(instances)


def test_only_studies_that_lack_something_are_fetched() -> None:
    whole = difference(study(("1", CT)), {"1"}, {}, {CT})
    lacking = difference(study(("1", CT), ("2", CT)), {"1"}, {}, {CT})

    assert studies_to_fetch([whole, lacking]) == [lacking]
