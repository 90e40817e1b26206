"""The pool of children: what goes wrong in one costs one job, is said clearly, and the next job is done."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from netty.processes.limits import MEGABYTE, ChildLimits
from netty.processes.render_pool import ChildFailed, ChildPool
from support.job_child import COMMAND
from support.netty_process import is_alive
from support.waiting import wait_until

LIMITS = ChildLimits(memory=256 * MEGABYTE, cpu_seconds=1, wall_seconds=30, niceness=0)


@pytest.fixture
def pool() -> Iterator[ChildPool]:
    with ChildPool(COMMAND, 1, LIMITS) as made:
        yield made


def answer(pool: ChildPool, times: int = 1) -> list[int]:
    return [reply.header["number"] for reply in pool.run({"do": "answer", "times": times})]


def pid(pool: ChildPool) -> int:
    (reply,) = pool.run({"do": "answer", "times": 1})
    return int(reply.header["pid"])


def parent(child: int) -> int:
    return int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])


def test_replies_come_in_order_with_their_bytes(pool: ChildPool) -> None:
    replies = list(pool.run({"do": "answer", "times": 3, "size": 1_000_000}))

    assert [reply.header["number"] for reply in replies] == [0, 1, 2]
    assert [reply.payload for reply in replies] == [bytes([number]) * 1_000_000 for number in range(3)]


def test_several_jobs_are_done_in_turn_and_each_reply_says_of_which(pool: ChildPool) -> None:
    jobs = [{"do": "answer", "times": times, "size": 400_000} for times in (2, 0, 3)]

    replies = [(reply.job, reply.header["number"], len(reply.payload)) for reply in pool.run_all(jobs)]

    assert replies == [(job, number, 400_000) for job, number in [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]]


def test_one_of_several_jobs_that_fails_is_said_and_costs_no_child(pool: ChildPool) -> None:
    before = pid(pool)

    with pytest.raises(ChildFailed, match="The picture x has no size"):
        list(pool.run_all([{"do": "answer", "times": 1}, {"do": "refuse", "name": "x"}, {"do": "answer", "times": 1}]))

    assert pid(pool) == before


def test_each_of_several_jobs_has_its_own_processor_time() -> None:
    """A child that has used much of it by the third job is not ended."""
    with ChildPool(COMMAND, 1, ChildLimits(cpu_seconds=2, niceness=0)) as pool:
        assert [reply.job for reply in pool.run_all([{"do": "loop", "seconds": 1.2}] * 3)] == [0, 1, 2]


@pytest.mark.parametrize("number", [1, -1, "0"])
def test_a_child_that_answers_what_it_was_not_asked_is_not_believed(number: object) -> None:
    program = f"""
        from netty.processes import worker
        real = worker.Answer
        worker.Answer = lambda job, *said: real({number!r}, *said)
        worker.serve_jobs(lambda job: iter([({{"number": 0}}, b"0")]))
    """
    with ChildPool((sys.executable, "-c", textwrap.dedent(program)), 1, LIMITS) as pool:
        for _ in range(2):
            with pytest.raises(ChildFailed, match="something that is no message"):
                answer(pool)


def test_a_child_is_kept_for_the_next_job(pool: ChildPool) -> None:
    assert pid(pool) == pid(pool)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"do": "allocate", "bytes": 1 << 30}, "The renderer ran out of memory (limit 256 MB)."),
        ({"do": "loop"}, "The renderer used more than 1 s of processor time and was ended."),
        ({"do": "die", "signal": "SIGSEGV"}, "The renderer died (SIGSEGV)."),
        ({"do": "die", "signal": "SIGKILL"}, "The renderer died (SIGKILL)."),
        ({"do": "exit", "code": 3}, "The renderer died (exit code 3)."),
        ({"do": "refuse", "name": "x"}, "The picture x has no size."),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_one_is_done(pool: ChildPool, job: dict[str, Any], reason: str) -> None:
    with pytest.raises(ChildFailed) as failure:
        list(pool.run(job))

    assert str(failure.value) == reason
    assert answer(pool, 2) == [0, 1]


def test_a_defect_in_the_handler_costs_one_job_but_not_the_child(
    pool: ChildPool, capfd: pytest.CaptureFixture[str]
) -> None:
    before = pid(pool)

    with pytest.raises(ChildFailed, match="The renderer failed: ZeroDivisionError: by nothing"):
        list(pool.run({"do": "fail"}))

    assert pid(pool) == before
    assert "Traceback" in capfd.readouterr().err


def test_a_child_that_hangs_is_ended_after_the_wall_time() -> None:
    with ChildPool(COMMAND, 1, ChildLimits(wall_seconds=0.2, niceness=0)) as pool:
        with pytest.raises(ChildFailed, match=r"took longer than 0\.2 s"):
            list(pool.run({"do": "sleep"}))

        assert answer(pool) == [0]


def test_the_time_the_caller_takes_is_not_the_childs() -> None:
    with ChildPool(COMMAND, 1, ChildLimits(wall_seconds=0.5, niceness=0)) as pool:
        replies = pool.run({"do": "answer", "times": 4, "size": 4 * MEGABYTE})
        next(replies)
        threading.Event().wait(0.7)  # the caller is busy; the child waits for it

        assert len(list(replies)) == 3


def test_a_child_does_not_run_ahead_of_its_caller(pool: ChildPool) -> None:
    """Ten thousand frames of 1 MB: the child holds one of them, the socket a part of one, the caller one."""
    replies = pool.run({"do": "answer", "times": 10_000, "size": MEGABYTE})
    first = next(replies)

    status = Path(f"/proc/{first.header['pid']}/status").read_text()

    (anonymous,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")]
    assert anonymous < 40 * 1024
    replies.close()  # type: ignore[attr-defined]


def test_a_caller_who_stops_in_the_middle_leaves_the_pool_sound(pool: ChildPool) -> None:
    replies = pool.run({"do": "answer", "times": 1000, "size": MEGABYTE})
    next(replies)
    del replies
    gc.collect()

    assert answer(pool) == [0]


def test_a_child_that_died_while_idle_costs_nothing(pool: ChildPool) -> None:
    child = pid(pool)
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: not is_alive(child), 5, "the child has ended")

    assert answer(pool) == [0]


def test_children_are_forked_from_one_nursery() -> None:
    with ChildPool(COMMAND, 2, LIMITS) as pool:
        first, second = pool.run({"do": "answer", "times": 2}), pool.run({"do": "answer", "times": 2})
        children = {next(each).header["pid"] for each in (first, second)}

        assert len(children) == 2
        assert len({parent(child) for child in children}) == 1
        assert [[reply.header["number"] for reply in each] for each in (first, second)] == [[1], [1]]


def test_a_child_that_dies_of_its_job_is_followed_by_one_of_another_nursery() -> None:
    """Its layout of addresses is not the one that the job may have found out something about."""
    with ChildPool(COMMAND, 2, LIMITS) as pool:
        long = pool.run({"do": "answer", "times": 3, "size": MEGABYTE})
        before = parent(next(long).header["pid"])
        with pytest.raises(ChildFailed, match="SIGSEGV"):
            list(pool.run({"do": "die", "signal": "SIGSEGV"}))

        assert parent(pid(pool)) != before
        assert [reply.header["number"] for reply in long] == [1, 2], "the other child's job goes on"


@pytest.mark.parametrize("job", [{"do": "allocate", "bytes": 1 << 30}, {"do": "fail"}])
def test_a_child_that_ends_in_order_is_followed_by_one_of_the_same_nursery(
    pool: ChildPool, job: dict[str, Any]
) -> None:
    before = parent(pid(pool))
    with pytest.raises(ChildFailed):
        list(pool.run(job))

    assert parent(pid(pool)) == before


def test_a_nursery_that_dies_costs_the_jobs_of_its_children_and_no_more(pool: ChildPool) -> None:
    replies = pool.run({"do": "answer", "times": 1000, "size": MEGABYTE})
    nursery = parent(next(replies).header["pid"])
    os.kill(nursery, signal.SIGKILL)

    with pytest.raises(ChildFailed, match=r"died \(SIGKILL\)"):
        list(replies)
    assert answer(pool) == [0]


def test_nurseries_that_are_no_longer_needed_end(pool: ChildPool) -> None:
    nurseries = []
    for _ in range(3):
        nurseries.append(parent(pid(pool)))
        with pytest.raises(ChildFailed, match="SIGABRT"):
            list(pool.run({"do": "die", "signal": "SIGABRT"}))

    assert len(set(nurseries)) == 3
    wait_until(lambda: not any(map(is_alive, nurseries)), 5, "the nurseries have ended")


def test_a_child_that_cannot_be_forked_is_said_and_the_nursery_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    program = textwrap.dedent("""
        import errno, os
        from netty.processes import nursery
        from netty.processes.worker import serve_jobs
        def no_room(*_, **__):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        nursery.Forked = no_room
        serve_jobs(lambda job: iter(()))
    """)
    with ChildPool((sys.executable, "-c", program), 1, LIMITS) as pool:
        for _ in range(2):
            with pytest.raises(ChildFailed, match=r"ended while it started \(SIGKILL\); the log says more"):
                answer(pool)

    assert "Resource temporarily unavailable" in capfd.readouterr().err


def test_a_pool_leaves_no_process_behind() -> None:
    with ChildPool(COMMAND, 2, LIMITS) as pool:
        pool.start()
        child = pid(pool)
        processes = [child, parent(child)]

    assert not any(Path(f"/proc/{each}").exists() for each in processes)


def test_a_pool_is_closed_while_its_children_load() -> None:
    pool = ChildPool(COMMAND, 2, LIMITS)
    pool.start()

    pool.close()

    with pytest.raises(ChildFailed, match="stopped"):
        answer(pool)


def test_a_child_leaves_the_stopping_to_its_parent(pool: ChildPool) -> None:
    child = pid(pool)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(child, number)

    assert pid(pool) == child


def test_several_threads_share_the_children() -> None:
    with ChildPool(COMMAND, 2, LIMITS) as pool, ThreadPoolExecutor(6) as threads:
        pool.start()
        numbers = list(threads.map(lambda times: answer(pool, times), range(12)))

    assert numbers == [list(range(times)) for times in range(12)]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ((sys.executable, "-c", "raise SystemExit(7)"), "ended while it started (exit code 7)"),
        (("/no/such/program",), "cannot be started"),
    ],
)
def test_a_command_that_does_not_start_is_said_for_each_job(command: tuple[str, ...], reason: str) -> None:
    with ChildPool(command, 1, LIMITS) as pool:
        for _ in range(2):
            with pytest.raises(ChildFailed) as failure:
                list(pool.run({"do": "answer", "times": 1}))
            assert reason in str(failure.value)


def test_closing_ends_the_children_and_their_jobs() -> None:
    pool = ChildPool(COMMAND, 1, LIMITS)
    replies = pool.run({"do": "answer", "times": 1000, "size": MEGABYTE})
    child = next(replies).header["pid"]

    pool.close()

    assert not Path(f"/proc/{child}").exists()
    with pytest.raises(ChildFailed):
        list(replies)
    with pytest.raises(ChildFailed, match="stopped"):
        list(pool.run({"do": "answer", "times": 1}))


def test_children_die_with_a_parent_that_is_killed() -> None:
    program = textwrap.dedent("""
        import os, sys
        from netty.processes.render_pool import ChildPool
        from support.job_child import COMMAND
        pool = ChildPool(COMMAND, 1)
        print(next(pool.run({"do": "answer", "times": 1})).header["pid"], flush=True)
        os.kill(os.getpid(), 9)
    """)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, check=False)

    child = Path(f"/proc/{int(done.stdout)}/stat")  # run() waits until the child has closed its standard output too
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"
