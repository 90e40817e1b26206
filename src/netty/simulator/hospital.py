"""A scriptable hospital: a Q/R SCP over a folder of DICOM files, which stores to known destinations."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND, STUDY_ROOT_MOVE
from netty.errors import LocalError, UsageError
from netty.model.remote import Remote
from netty.network.acceptor import AssociationServer, Callers
from netty.network.service import Offer
from netty.network.settings import AeSettings
from netty.network.verification_scp import verification_offer
from netty.simulator.find_scp import FindScp
from netty.simulator.index import Index, Problem, StoredInstance, read_folder
from netty.simulator.move_scp import MoveScp, Store
from netty.simulator.quirks import Quirk
from netty.simulator.sender import Originator, Parcel, Pause, Sent, at_once, send

log = logging.getLogger(__name__)

SLOW_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a move destination's AE title is reached."""

    title: str
    host: str
    port: int


def parse_destination(text: str) -> Destination:
    """A destination from ``AET=HOST:PORT``.

    Raises:
        UsageError: where `text` is not of this form.
    """
    title, equals, address = text.partition("=")
    host, colon, port = address.rpartition(":")
    if not (
        title.strip() and equals and host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536
    ):
        raise UsageError("{text} is not a destination. Write it as AET=HOST:PORT.", text=repr(text))
    return Destination(title.strip(), host.strip("[]"), int(port))


class Hospital:
    """Indexes a folder when made and at `rescan`; serves from `start` to `stop`."""

    def __init__(
        self,
        title: str,
        folder: Path,
        port: int = 0,
        destinations: Iterable[Destination] = (),
        quirks: Collection[Quirk] = frozenset(),
        *,
        host: str = "127.0.0.1",
        max_pdu: int = 131072,
        pause: Pause | None = None,
    ) -> None:
        """`pause` is waited for before every image; by default only a slow hospital does, for a second."""
        self.quirks = frozenset(quirks)
        self.destinations: dict[str, Destination] = {each.title: each for each in destinations}
        self.folder = folder
        self._ae = AeSettings(title=title, host=host, port=port, max_pdu=max_pdu)
        self._index = Index()
        self._pause = pause or (_a_while if Quirk.SLOW in self.quirks else at_once)
        self._server: AssociationServer | None = None
        self._closing = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()
        self.port = port
        self.rescan()

    @property
    def title(self) -> str:
        """Its AE title."""
        return self._ae.title

    @property
    def instances(self) -> tuple[StoredInstance, ...]:
        """What it serves."""
        return self._index.instances

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The files in its folder that it does not serve, each with the reason."""
        return self._index.problems

    def rescan(self) -> None:
        """Read the folder again: what was added since is served from now on."""
        if not self.folder.is_dir():
            raise UsageError("There is no folder {folder}.", folder=self.folder)
        self._index = read_folder(self.folder)
        for problem in self._index.problems:
            log.warning("%s is not served: %s", problem.path, problem.reason)

    async def start(self) -> int:
        """Listen; the port, for one that was given as 0."""
        store = Store(
            ae=self._ae,
            index=lambda: self._index,
            destination=self._remote,
            quirks=self.quirks,
            pause=self._pause,
            later=self._run_later,
            closing=self._closing,
        )
        syntaxes = (IMPLICIT_VR_LITTLE_ENDIAN,)
        find = FindScp(self.title, lambda: self._index, self.quirks)
        offers: Mapping[str, Offer] = {
            **verification_offer(syntaxes),
            STUDY_ROOT_FIND: Offer(find, syntaxes),
            STUDY_ROOT_MOVE: Offer(MoveScp(store), syntaxes),
        }
        server = AssociationServer(self._ae, Callers(lambda title, address: (title or "anybody",)), offers)
        try:
            self.port = await server.serve(self._ae.host, self._ae.port)
        except OSError as error:
            raise LocalError(
                "{host}:{port} cannot be listened on: {detail}. Choose another port.",
                host=self._ae.host,
                port=self._ae.port,
                detail=error.strerror or error,
            ) from error
        self._server = server
        return self.port

    async def stop(self) -> None:
        """Close everything; what is being sent ends with the image that is under way."""
        self._closing.set()
        if self._server is not None:
            await self._server.stop()
            self._server = None
        await self.wait_sent()

    async def wait_sent(self) -> None:
        """Wait until what goes out after a final response has gone."""
        while self._later:
            await asyncio.gather(*self._later, return_exceptions=True)

    async def push(self, destination: str, instances: Iterable[StoredInstance] | None = None) -> list[Sent]:
        """Send instances (all of them by default) that nobody asked for, as a modality does."""
        remote = self._remote(destination)
        if remote is None:
            raise UsageError(
                "The destination {title} is not known to {hospital}.", title=destination, hospital=self.title
            )
        parcels = [Parcel(instance) for instance in (self.instances if instances is None else instances)]
        return [each async for each in send(remote, self._ae, parcels, Originator(), self._closing, self._pause)]

    def _remote(self, title: str) -> Remote | None:
        destination = self.destinations.get(title)
        if destination is None:
            return None
        return Remote(destination.title, destination.title, destination.host, destination.port)

    def _run_later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)


_a_while: Pause = partial(asyncio.sleep, SLOW_SECONDS)


@asynccontextmanager
async def running(*hospitals: Hospital) -> AsyncIterator[None]:
    """The hospitals, listening for the length of a block."""
    async with AsyncExitStack() as stack:
        for hospital in hospitals:
            await hospital.start()
            stack.push_async_callback(hospital.stop)
        yield


async def serve(hospitals: Collection[Hospital], stopped: asyncio.Event) -> None:
    """Run hospitals in this process until `stopped` is set."""
    async with running(*hospitals):
        await stopped.wait()
