"""The state table is Table 9-10 of PS3.8."""

import pytest

from netty.ul.states import TRANSITIONS, Action, State, Step, Trigger

# Columns Sta1 to Sta13, rows Evt1 to Evt19, as the standard prints them.
TABLE_9_10 = """
Evt1   AE-1  .     .     .     .     .     .     .     .     .     .     .     .
Evt2   .     .     .     AE-2  .     .     .     .     .     .     .     .     .
Evt3   .     AA-1  AA-8  .     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt4   .     AA-1  AA-8  .     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt5   AE-5  .     .     .     .     .     .     .     .     .     .     .     .
Evt6   .     AE-6  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
Evt7   .     .     AE-7  .     .     .     .     .     .     .     .     .     .
Evt8   .     .     AE-8  .     .     .     .     .     .     .     .     .     .
Evt9   .     .     .     .     .     DT-1  .     AR-7  .     .     .     .     .
Evt10  .     AA-1  AA-8  .     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt11  .     .     .     .     .     AR-1  .     .     .     .     .     .     .
Evt12  .     AA-1  AA-8  .     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt13  .     AA-1  AA-8  .     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
Evt14  .     .     .     .     .     .     .     AR-4  AR-9  .     .     AR-4  .
Evt15  .     .     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  .
Evt16  .     AA-2  AA-3  .     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
Evt17  .     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
Evt18  .     AA-2  .     .     .     .     .     .     .     .     .     .     AA-2
Evt19  .     AA-1  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
"""

# Tables 9-6 to 9-9: the state after each action. AE-6 and AR-8 have two in the standard; see the notes in `states`.
NEXT_STATE = {
    "AE-1": 4,
    "AE-2": 5,
    "AE-3": 6,
    "AE-4": 1,
    "AE-5": 2,
    "AE-6": 3,
    "AE-7": 6,
    "AE-8": 13,
    "DT-1": 6,
    "DT-2": 6,
    "AR-1": 7,
    "AR-2": 8,
    "AR-3": 1,
    "AR-4": 13,
    "AR-5": 1,
    "AR-6": 7,
    "AR-7": 8,
    "AR-8": 9,
    "AR-9": 11,
    "AR-10": 12,
    "AA-1": 13,
    "AA-2": 1,
    "AA-3": 1,
    "AA-4": 1,
    "AA-5": 1,
    "AA-6": 13,
    "AA-7": 13,
    "AA-8": 13,
}

CELLS = [
    (Trigger(row), State(column), name)
    for row, line in enumerate(TABLE_9_10.strip().splitlines(), 1)
    for column, name in enumerate(line.split()[1:], 1)
]
STEPS = {step.name: step for step in TRANSITIONS.values()}


def test_the_table_has_19_events_and_13_states() -> None:
    assert len(CELLS) == 19 * 13 == len(Trigger) * len(State)


@pytest.mark.parametrize(("trigger", "state", "name"), CELLS)
def test_each_cell_is_the_standards(trigger: Trigger, state: State, name: str) -> None:
    step = TRANSITIONS.get((trigger, state))

    assert (step.name if step else ".") == name


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_each_action_leads_to_the_standards_state(step: Step) -> None:
    assert step.next_state is State(NEXT_STATE[step.name])


def test_only_release_collision_parts_the_roles() -> None:
    parting = {step.name: step.next_state_of_acceptor for step in STEPS.values() if step.next_state_of_acceptor}

    assert parting == {"AR-8": State(10)}


def test_artim_runs_in_just_the_two_states_that_its_expiry_ends() -> None:
    started = {step.next_state for step in STEPS.values() if Action.START_ARTIM in step.actions}

    assert started == {state for trigger, state in TRANSITIONS if trigger is Trigger.ARTIM_EXPIRED}


def test_whatever_closes_the_connection_leads_to_idle() -> None:
    closing = [step for step in STEPS.values() if Action.CLOSE_TRANSPORT in step.actions]

    assert {step.next_state for step in closing} == {State.IDLE}


def test_every_action_is_used() -> None:
    assert {action for step in STEPS.values() for action in step.actions} == set(Action)
