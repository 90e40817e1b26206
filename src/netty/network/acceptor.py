"""The acceptor: associations that remotes ask of us, their messages taken apart and given to services."""

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from netty.network.accepted import AcceptedAssociation, AssociationReport, Ending, Server
from netty.network.service import Offer
from netty.network.settings import AeSettings, ReceiveLimits
from netty.ul.negotiation import AcceptorPolicy
from netty.ul.pdu import AssociateReject
from netty.ul.reasons import LOCAL_LIMIT_EXCEEDED, TEMPORARY_CONGESTION

log = logging.getLogger(__name__)

LAST_WORD_SECONDS: Final = 1.0
FINISH_SECONDS: Final = 5.0  # for what is under way after the grace: the end of a data set, and its answer

Known = Callable[[str, str], tuple[str, ...]]


def _ignore(report: AssociationReport) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may call (statement 7.1).

    Attributes:
        known: the names of the remotes that a calling AE title and an address together name; none: rejected 1,1,3.
        known_address: where given, who calls from elsewhere is closed before anything is read.
    """

    known: Known
    known_address: Callable[[str], bool] | None = None


class AssociationServer:
    """Serves any number of associations on the running event loop; the limit is the machine's (statement 4.2.2)."""

    def __init__(
        self,
        ae: AeSettings,
        callers: Callers,
        offers: Mapping[str, Offer],
        limits: ReceiveLimits | None = None,
        *,
        stopping_status: int = 0xFF00,
        capacity: int | None = None,
        ended: Callable[[AssociationReport], None] = _ignore,
    ) -> None:
        """`offers` is by abstract syntax; `stopping_status` answers a C-STORE just before closing (statement table 6);
        `capacity` is how many associations the machine bears, beyond which they are rejected (2,3,2);
        `ended` is told of every association once, when it is over."""
        self._ae = ae
        self._callers = callers
        self._offers = dict(offers)
        self._supported = {uid: offer.transfer_syntaxes for uid, offer in offers.items()}
        self._limits = limits or ReceiveLimits()
        self._stopping_status = stopping_status
        self._capacity = capacity
        self._ended = ended
        self._numbers = itertools.count(1)
        self._running: set[AcceptedAssociation] = set()
        self._nobody_left = asyncio.Event()
        self._nobody_left.set()
        self._listeners: list[asyncio.Server] = []
        self.overload: AssociateReject | None = None
        """What new associations are rejected with, while it is set."""

    @property
    def associations(self) -> int:
        """How many connections there are now."""
        return len(self._running)

    async def handle(self, sock: socket.socket) -> None:
        """Serve one accepted socket until its association is over. The socket is ours from now on."""
        sock.setblocking(False)
        association = self._new()
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: association.connection, sock)
        except OSError as error:  # the peer has gone already
            log.info("a connection ended before it began: %s", error)
            sock.close()
            self._over(association)
            return
        await association.connection.wait_closed()

    async def serve(self, host: str, port: int) -> int:
        """Listen by ourselves, until `stop`; the port, for one that was given as 0."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: self._new().connection, host, port, backlog=1024)
        self._listeners.append(listener)
        listening: int = listener.sockets[0].getsockname()[1]
        return listening

    async def stop(self, grace: float = 0.0) -> None:
        """Reject new associations (2,3,1), and let running ones end for `grace` seconds; then close the rest.

        What is being stored then is finished. With a grace, associations that go on after it get a moment in which the
        next C-STORE is answered with the stopping status (statement table 6), not with an abort.
        """
        for listener in self._listeners:
            listener.close()
        self.overload = TEMPORARY_CONGESTION
        if not await self._wait_until_empty(grace):
            for association in tuple(self._running):
                association.refuse(self._stopping_status)
            if grace:
                await self._wait_until_empty(LAST_WORD_SECONDS)
            for association in tuple(self._running):
                association.end_idle()
            if not await self._wait_until_empty(FINISH_SECONDS):
                for association in tuple(self._running):
                    association.close_now()
                await self._nobody_left.wait()
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()

    async def _wait_until_empty(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._nobody_left.wait()
        except TimeoutError:
            return False
        return True

    def _new(self) -> AcceptedAssociation:
        association = AcceptedAssociation(
            Server(
                offers=self._offers,
                limits=self._limits,
                maximum_length=self._ae.max_pdu,
                known=self._callers.known,
                known_address=self._callers.known_address,
                policy=self._policy,
                over=self._over,
                alone=lambda: len(self._running) == 1,
            ),
            next(self._numbers),
        )
        self._running.add(association)
        self._nobody_left.clear()
        return association

    def _policy(self, is_registered: Callable[[str], bool]) -> AcceptorPolicy:
        return AcceptorPolicy(
            ae_titles=frozenset({self._ae.title.strip()}),
            supported=self._supported,
            user_information=self._ae.user_information,
            is_registered=is_registered,
            overload=self.overload or self._full,
        )

    @property
    def _full(self) -> AssociateReject | None:
        return LOCAL_LIMIT_EXCEEDED if self._capacity is not None and len(self._running) > self._capacity else None

    def _over(self, association: AcceptedAssociation) -> None:
        if association not in self._running:
            return
        self._running.discard(association)
        if not self._running:
            self._nobody_left.set()
        report = association.report()
        log.log(
            logging.INFO if report.ending is Ending.RELEASED else logging.WARNING,
            "association %d of %r from %s: %s%s (%d messages, %d bytes, %.1f s)",
            report.number,
            report.calling_ae_title,
            report.address,
            report.ending.value,
            f", {report.detail}" if report.detail else "",
            report.messages,
            report.bytes_received,
            report.seconds,
        )
        self._ended(report)
