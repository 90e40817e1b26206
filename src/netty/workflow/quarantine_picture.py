"""A picture of what was set aside, for the person who decides; kept nowhere."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from netty.archive.set_aside import SetAside
from netty.errors import NettyError
from netty.image.settings import RenditionFormat
from netty.processes.render_pool import Reply
from netty.workflow.quarantine import QuarantineDesk


class NoPicture(NettyError):
    """There is nothing to look at, and why."""


def picture_of(
    desk: QuarantineDesk, one: SetAside, frame: int, render: Callable[[Mapping[str, Any]], Iterable[Reply]]
) -> bytes:
    """One frame as JPEG, drawn by a render child from the bytes as they were received.

    Raises:
        NoPicture: where there is none by nature, or none can be made.
        UsageError: where the file is gone.
    """
    job: Mapping[str, Any] = {
        "path": str(desk.path(one.place)),
        "offset": one.place.data_offset,
        "length": one.place.data_length,
        "transfer_syntax": one.place.transfer_syntax,
        "format": RenditionFormat.JPEG.value,
        "quality": 90,
        "frames": [frame],
    }
    replies = list(render(job))  # to its end: a child whose answers nobody takes is ended
    for reply in replies:
        if reply.header["kind"] in ("no_picture", "cannot_render"):
            raise NoPicture(reply.header["template"], **reply.header["values"])
    return b"".join(bytes(reply.payload) for reply in replies if reply.header["kind"] == "rendition")
