"""The main job, from asking for a study to its last picture registered; beside other programs doing the same steps."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from bench.contest import RATE, Contestant, Result, Table, compete, rate
from bench.goals import Bound, Goal, Quantity, goal
from bench.headers import PATIENT_ID
from bench.images import CT_STUDY, Kind, write_study
from bench.main_job_peers import PACS, PEERS, Job, Peer, Work, dcmtk, timed
from bench.pictures import Picture, count_of_each, expected
from bench.scope import Scope
from netty.archive.database import open_database
from netty.archive.retrievals import Retrievals
from support.netty_process import Netty, RemoteEntry, netty, simulated
from support.ports import free_port
from support.waiting import TooLate, wait_until

_SECONDS: Final = 120.0
_LOOK: Final = 0.02  # seconds between two looks whether all pictures are there
_SHARE: Final = 0.25  # of the images that peers get in the usual subset: what counts is their rate


def tables(scope: Scope) -> Iterator[Table]:
    """One: the same study by all of them, and a smaller one by peers that would take minutes for it."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=scope.folder) as place:
        yield table(CT_STUDY, scope.rounds, Path(place), CT_STUDY.count if scope.full else int(_SHARE * CT_STUDY.count))


def table(kind: Kind, rounds: int, folder: Path, for_peers: int) -> Table:
    """They fetch in turn; everything but the fetched study stays as it is from round to round."""
    whole = write_study(kind, kind.count, folder / "whole")
    part = whole if for_peers == kind.count else write_study(kind, for_peers, folder / "part")
    wanted = [expected(file) for file in whole[: kind.different]]
    with ExitStack() as stack:
        contestants = []
        for number, one in enumerate((*NETTY, *PEERS)):
            if one.missing:
                continue
            files = whole if one in NETTY or one.name == "bare" else part
            place = folder / str(number)
            place.mkdir()
            work = stack.enter_context(one.start(Job(place, files)))
            note = one.note if files is whole else f"{one.note}; {len(files)} images"
            contestants.append(Contestant(one.name, note, partial(fetched, work, len(files), wanted)))
        title = f"main job: {kind.count} {kind} fetched and shown"
        return compete(title, contestants, rounds, RATE, [each for one in NETTY for each in _goals(one.name)])


def _goals(name: str) -> list[Goal]:
    """Of issue 5."""
    bare = Bound(0.8, "bare")
    return [
        *(goal(name, Bound(factor, peer), bare) for peer, factor in
          (("Orthanc", 4), ("storescp, dcmj2pnm", 10), ("pynetdicom, pydicom", 10))),
        goal(name, Bound(1.5, "bare"), what=Quantity.CPU),
    ]  # fmt: skip


def fetched(work: Work, count: int, wanted: Sequence[Picture]) -> Result:
    """A round: the study is fetched, its pictures are looked at, and everything of it is removed."""
    before = work.cpu()
    seconds, registered = work.run()
    cpu = work.cpu() - before
    shown = count_of_each(work.pictures(), wanted)
    there = [min(found, len(range(number, count, len(wanted)))) for number, found in enumerate(shown)]
    work.clear()
    return rate(count, seconds, cpu=cpu, done=min(registered, sum(there)))


@contextmanager
def _simulator(job: Job, port: int) -> Iterator[int]:
    """netty's simulated hospital, with the files where they lie; gives its port."""
    with simulated(job.files[0].parent, title=PACS, netty_port=port, log=job.folder / "simulator.log") as own:
        yield own


@contextmanager
def _netty(job: Job, source: Callable[[Job, int], AbstractContextManager[int]]) -> Iterator[Work]:
    """`netty retrieve`, and what is registered then."""
    port = free_port()
    with source(job, port) as pacs, netty(job.folder / "netty", [RemoteEntry("pacs", PACS, pacs)], port=port) as one:
        one.register("person", pacs=PATIENT_ID)
        assert one.process is not None
        database = open_database(f"sqlite:///{one.folder}/data/netty.db")
        renditions = one.folder / "data" / "blobs" / "renditions"
        yield Work(
            one.process.pid,
            partial(timed, partial(_retrieved, one, Retrievals(database), len(job.files))),
            lambda: renditions.rglob("*.jpg"),
            partial(_forget, one, Retrievals(database), job),
        )
        database.close()


def _retrieved(one: Netty, retrievals: Retrievals, count: int) -> int:
    """Returns as soon as the last picture is registered; netty itself still waits whether more images come."""
    (asked,) = one.ok("retrieve", "pacs", "--patient-id", PATIENT_ID)["retrievals"]
    with suppress(TooLate):
        wait_until(lambda: retrievals.count(asked["id"]).rendered >= count, _SECONDS, "pictures", one.process, _LOOK)
    return retrievals.count(asked["id"]).rendered


def _forget(one: Netty, retrievals: Retrievals, job: Job) -> None:
    """As people do; and wait until its files have gone too, so that the next one has the machine for itself."""
    wait_until(lambda: not retrievals.unfinished_of("pacs", job.study), _SECONDS, "the verdict", one.process)
    one.ok("studies", "delete", job.study, "--yes")
    spool = one.folder / "data" / "spool"
    wait_until(lambda: not any(spool.iterdir()), _SECONDS, "the spool is empty", one.process)


NETTY: Final = (
    Peer("netty", "from dcmqrscp; synced, registered", partial(_netty, source=dcmtk), ("dcmqrscp",)),
    Peer("netty, simulator", "from its own simulator; synced, registered", partial(_netty, source=_simulator)),
)
