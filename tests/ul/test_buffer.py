"""The receive buffer grows with what comes, and not all buffers of a process may be the largest."""

import pytest

from netty.ul.buffer import LARGE_CAPACITY, LARGEST_CAPACITY, MOST_LARGEST, ReceiveBuffer


def filled(times: int, longest_pdu: int = 16390) -> ReceiveBuffer:
    """One that so many reads have filled to its end, each taken before the next."""
    buffer = ReceiveBuffer(longest_pdu)
    for _ in range(times):
        fill(buffer)
    return buffer


def fill(buffer: ReceiveBuffer) -> None:
    buffer.advance(len(buffer.writable()))
    buffer.start = buffer.end


def test_it_grows_only_when_a_read_has_filled_it() -> None:
    buffer = ReceiveBuffer(16390)
    capacities = []
    for _ in range(6):
        fill(buffer)
        capacities.append(buffer.capacity)

    assert capacities == [4096, 16384, 65536, LARGE_CAPACITY, LARGEST_CAPACITY, LARGEST_CAPACITY]


def test_only_so_many_of_a_process_are_the_largest() -> None:
    buffers = [filled(6) for _ in range(MOST_LARGEST + 3)]

    assert [buffer.capacity for buffer in buffers] == [LARGEST_CAPACITY] * MOST_LARGEST + [LARGE_CAPACITY] * 3


@pytest.mark.parametrize("ended", ["trimmed", "gone"])
def test_one_that_rests_or_is_gone_leaves_its_place_to_another(ended: str) -> None:
    buffers = [filled(6) for _ in range(MOST_LARGEST)]
    waiting = filled(6)
    if ended == "trimmed":
        buffers[0].trim()
    else:
        del buffers[0]
    fill(waiting)
    fill(waiting)

    assert waiting.capacity == LARGEST_CAPACITY


def test_the_longest_pdu_has_room_in_every_one() -> None:
    buffers = [filled(8, longest_pdu=600_000) for _ in range(MOST_LARGEST + 1)]

    assert buffers[-1].capacity == 600_000


def test_it_has_room_until_it_is_as_large_as_it_may_be_and_nothing_is_used_up() -> None:
    buffer = ReceiveBuffer(16390)
    while buffer.has_room:
        buffer.advance(len(buffer.writable()))

    assert (buffer.start, buffer.end, buffer.capacity) == (0, LARGEST_CAPACITY, LARGEST_CAPACITY)
    buffer.start = 1
    assert buffer.has_room
    assert len(buffer.writable()) == 1
