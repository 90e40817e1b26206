"""The main job, from asking for a study to its last picture registered; beside other programs doing the same steps."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from bench.contest import RATE, Contestant, Result, Table, compete, rate
from bench.goals import Bound, Goal, Quantity, goal
from bench.images import CT_STUDY, Kind
from bench.machine import have_memory_at_hand
from bench.main_job_peers import PACS, PEERS, Job, Peer, Source, Study, Work, dcmtk, made_studies, simulator, timed
from bench.pictures import Picture, count_of_each, expected
from bench.scope import Scope
from netty.archive.database import open_database
from netty.archive.retrievals import Retrievals
from support.netty_process import Netty, RemoteEntry, netty
from support.ports import free_port
from support.waiting import TooLate, wait_until

_SECONDS: Final = 120.0
_LOOK: Final = 0.01  # seconds between two looks whether all pictures are there
_AE: Final = "max_pdu = 131072"  # as all that are compared here announce it
_RENDERED: Final = "SELECT count(*) FROM ledger WHERE retrieval = ? AND state = 'rendered'"
_SHARE: Final = 0.25  # of the images that peers get in the usual subset: what counts is their rate


def tables(scope: Scope) -> Iterator[Table]:
    """One: equal studies by all of them, and smaller ones by peers that would take minutes for them."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=scope.folder) as place:
        yield table(CT_STUDY, scope.rounds, Path(place), CT_STUDY.count if scope.full else int(_SHARE * CT_STUDY.count))


def table(kind: Kind, rounds: int, folder: Path, for_peers: int) -> Table:
    """They fetch in turn, another study in each round."""
    whole = made_studies(kind, rounds, kind.count, folder / "whole")
    part = whole if for_peers == kind.count else made_studies(kind, rounds, for_peers, folder / "part")
    wanted = [expected(file) for file in whole[0].files[: kind.different]]
    with ExitStack() as stack:
        contestants = []
        for number, one in enumerate((*NETTY, *PEERS)):
            if one.missing:
                continue
            studies = part if one.is_slow else whole
            place = folder / str(number)
            place.mkdir()
            work = stack.enter_context(one.start(Job(place, studies)))
            note = one.note if studies is whole else f"{one.note}; {len(studies[0].files)} images"
            run = partial(fetched, work, iter(studies), wanted)
            contestants.append(Contestant(one.name, note, _with_memory_at_hand(run, folder, kind)))
        os.sync()  # what was written for them is not theirs to write back
        title = f"main job: {kind.count} {kind} fetched and shown"
        return compete(title, contestants, rounds, RATE, [each for one in NETTY for each in _goals(one.name)])


def _with_memory_at_hand(run: Callable[[], Result], folder: Path, kind: Kind) -> Callable[[], Result]:
    """For the images in the system's memory, and the pictures."""

    def with_memory() -> Result:
        have_memory_at_hand(folder, 2 * kind.count * kind.pixel_bytes)
        return run()

    return with_memory


def _goals(name: str) -> list[Goal]:
    """Of issue 5. The bare minimum has the same sender, and what it has answered survives a power cut too."""
    bare = _BARE[name]
    return [
        *(goal(name, Bound(factor, peer), Bound(0.8, bare)) for peer, factor in
          (("Orthanc", 4), ("storescp, dcmj2pnm", 10), ("pynetdicom, pydicom", 10))),
        goal(name, Bound(1.5, bare), what=Quantity.CPU),
    ]  # fmt: skip


def fetched(work: Work, studies: Iterator[Study], wanted: Sequence[Picture]) -> Result:
    """A round: the next study is fetched, and its pictures are looked at."""
    study, earlier = next(studies), set(work.pictures())
    count, before = len(study.files), work.cpu()
    seconds, registered = work.run(study)
    cpu = work.cpu() - before
    shown = count_of_each(set(work.pictures()) - earlier, wanted)
    there = [min(found, len(range(number, count, len(wanted)))) for number, found in enumerate(shown)]
    work.settle()
    return rate(count, seconds, cpu=cpu, done=min(registered, sum(there)))


@contextmanager
def _netty(job: Job, source: Source) -> Iterator[Work]:
    """`netty retrieve`, and what is registered then."""
    port = free_port()
    with (
        source(job, port) as pacs,
        netty(job.folder / "netty", [RemoteEntry("pacs", PACS, pacs)], port=port, ae=_AE) as one,
    ):
        for study in job.studies:
            one.register(f"person-{study.patient_id}", pacs=study.patient_id)
        assert one.process is not None
        database = open_database(f"sqlite:///{one.folder}/data/netty.db")
        looks = sqlite3.connect(f"file:{one.folder}/data/netty.db?mode=ro", uri=True)
        renditions = one.folder / "data" / "blobs" / "renditions"
        yield Work(
            one.process.pid,
            partial(timed, partial(_retrieved, one, looks)),
            lambda: (file for file in renditions.rglob("*.jpg") if not file.stem.endswith("thumbnail")),
            partial(_settled, one, Retrievals(database)),
        )
        looks.close()
        database.close()


def _retrieved(one: Netty, looks: sqlite3.Connection, study: Study) -> int:
    """Returns as soon as the last picture is registered; netty itself still waits whether more images come.

    Looks through netty's own modules took 3 % of both cores, which nobody else here had to do without.
    """
    (asked,) = one.ok("retrieve", "pacs", "--patient-id", study.patient_id)["retrievals"]

    def rendered() -> int:
        ((number,),) = looks.execute(_RENDERED, (asked["id"],))
        return int(number)

    with suppress(TooLate):
        wait_until(lambda: rendered() >= len(study.files), _SECONDS, "pictures", one.process, _LOOK)
    return rendered()


def _settled(one: Netty, retrievals: Retrievals) -> None:
    """The verdict is there, and no image waits to be cleared away: the next one has the machine for itself."""
    wait_until(lambda: not retrievals.any_unfinished(), _SECONDS, "the verdict", one.process)
    spool = one.folder / "data" / "spool"
    wait_until(lambda: not any(map(_is_image, spool.iterdir())), _SECONDS, "the spool is empty", one.process)


def _is_image(file: Path) -> bool:
    """Not one that was made ahead, and lies there for some seconds."""
    with suppress(FileNotFoundError):
        return file.stat().st_size > 0
    return False


NETTY: Final = (
    Peer("netty", "from dcmqrscp; synced, registered", partial(_netty, source=dcmtk), ("dcmqrscp",)),
    Peer("netty, simulator", "from its own simulator; synced, registered", partial(_netty, source=simulator)),
)
_BARE: Final = {"netty": "bare, dcmqrscp", "netty, simulator": "bare, simulator"}
