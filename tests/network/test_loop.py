"""What is run to its end on a loop of its own."""

import asyncio

import pytest

from netty.network.loop import run_to_end


def test_a_coroutine_comes_to_its_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert run_to_end(work()) == "done"


def test_its_error_is_raised() -> None:
    async def work() -> None:
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        run_to_end(work())


def test_nobody_writes_a_long_result_out() -> None:
    written = []

    class Found:
        def __repr__(self) -> str:
            written.append(self)
            return "a study of a thousand images"

    async def work() -> list[Found]:
        return [Found()]

    assert len(run_to_end(work())) == 1
    assert not written
