"""Verification as SCU: C-ECHO (PS3.4 Annex A)."""

import time

from netty.dicom.uids import VERIFICATION
from netty.dimse.command import EchoRequest, EchoResponse
from netty.dimse.status import Status
from netty.model.remote import Remote
from netty.network.errors import AssociationAborted, DimseFailure
from netty.network.requestor import associate, one_context
from netty.network.settings import AeSettings, Timers


async def echo(remote: Remote, ae: AeSettings, timers: Timers) -> float:
    """Ask a remote whether it is there; the seconds that it took, connecting and release included.

    Raises:
        PeerError: it is not, or not for us.
    """
    began = time.monotonic()
    async with associate(remote, ae, timers, one_context(VERIFICATION)) as association:
        context = association.context_for(VERIFICATION, "Verification")
        await association.send(context.context_id, EchoRequest(message_id=1))
        received = await association.receive()
        response = received[0] if received else None
        if not isinstance(response, EchoResponse):
            raise AssociationAborted("The remote {remote} answered C-ECHO with something else.", remote=remote.name)
        if response.status != Status.SUCCESS:
            raise DimseFailure(
                "The remote {remote} answered C-ECHO with status {status:04X}{comment}.",
                status=response.status,
                comment=response.error_comment or "",
                remote=remote.name,
            )
    return time.monotonic() - began
