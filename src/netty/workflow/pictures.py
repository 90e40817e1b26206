"""Having a render child draw an instance: where its DICOM is, what its pixels may show, where its pictures go."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netty.archive.blobs import Blobs
from netty.archive.held import RenderState
from netty.archive.received import NewRendition, ToRender
from netty.archive.spool import Spool
from netty.errors import LocalError, NettyError
from netty.image.settings import RenderSettings, RenditionFormat
from netty.model import reasons
from netty.processes.render_pool import Reply
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.deidentify import Pixels
from netty.workflow.group_commit import GroupCommit
from netty.workflow.keep import Keeper
from netty.workflow.rendered import RenderedFrame, rendered_frame

_SUFFIX: Final = {
    RenditionFormat.JPEG: "jpg",
    RenditionFormat.PNG: "png",
    RenditionFormat.WEBP: "webp",
    RenditionFormat.TIFF: "tif",
}

Render = Callable[[Mapping[str, Any]], Iterable[Reply]]
"""Runs one job in a render child and gives its replies one by one; LocalError where the child died of it."""

Place = dict[str, Any]
"""Where a data set lies, as a render job says it: `path`, `offset`, `transfer_syntax`, perhaps `length`."""


class HeldBack(LocalError):
    """The pixels may show who the patient is; a person has to look first."""

    def __init__(self) -> None:
        super().__init__(reasons.TEXT_IN_PIXELS)


class Pictures:
    """Takes the replies to one job: each picture goes to the blob store at once, so that no cine fills the memory."""

    def __init__(self, blobs: Blobs, folder: str, presentation_state: str = "", *, again: bool = False) -> None:
        """`again`: there are pictures by the plain names, which must stay until the new ones have their rows."""
        self._blobs = blobs
        self._folder = f"{folder}/{secrets.token_hex(4)}" if again else folder
        self._presentation_state = presentation_state
        self.keys: list[str] = []
        self.renditions: list[NewRendition] = []
        self.ended: RenderState | None = None
        self.reason = ""
        self.references: list[str] = []

    def take(self, header: Mapping[str, Any], data: bytes) -> None:
        """One reply."""
        match header["kind"]:
            case "frame":
                self._picture(rendered_frame(header, data))
            case "no_picture" | "cannot_render" as kind:
                self.ended = RenderState.NO_PICTURE if kind == "no_picture" else RenderState.FAILED
                self.reason = str(NettyError(header["template"], **header["values"]))
                self.references = list(header.get("references", ()))

    def discard(self) -> None:
        """Remove them again: no row will name them."""
        self._blobs.remove(self.keys)

    def _picture(self, frame: RenderedFrame) -> None:
        blob_key = f"{self._folder}/{frame.frame:06d}.{_SUFFIX[frame.format]}"
        self._blobs.put(blob_key, frame.data)
        self.keys.append(blob_key)
        self.renditions.append(
            NewRendition(
                format=frame.format.value,
                frame=frame.frame,
                blob_key=blob_key,
                width=frame.width,
                height=frame.height,
                bytes=len(frame.data),
                sha256=hashlib.sha256(frame.data).hexdigest(),
                recipe=frame.recipe,
                window=frame.window,
                presentation_state=self._presentation_state,
                flags=tuple(flag.value for flag in frame.flags),
            )
        )


def picture_folder(one: ToRender) -> str:
    """Where the pictures of an instance lie in the blob store."""
    return f"renditions/{one.key[:2]}/{one.key}"


@dataclass(frozen=True, slots=True)
class Drawer:
    """Draws instances, from spool or kept DICOM; the pictures show no more of the patient than what is kept."""

    spool: Spool
    blobs: Blobs
    render: Render
    settings: RenderSettings
    keeper: Keeper
    commits: GroupCommit

    def draw(self, place: Place, pictures: Pictures, **more: Any) -> None:
        """Have the data set at `place` drawn; `more` goes into the job as it is. LocalError where the child died."""
        job = place | {"format": self.settings.format.value, "quality": self.settings.quality} | more
        for reply in self.render(job):
            pictures.take(reply.header, reply.payload)

    @contextmanager
    def place(self, one: ToRender, kept: bool = False) -> Iterator[Place]:
        """Where the child finds an instance: in the spool, masked where it must be, or (`kept`) its kept file.

        Raises:
            HeldBack: where a person has to look at it first.
            BlobMissing: where its kept file is gone.
        """
        if kept or not one.spool_name:
            with self.keeper.kept_file(one.kept_blob or "-") as path:
                yield _place_of(path)
            return
        pixels = self.keeper.pixels_of(one)
        if pixels is Pixels.HELD:
            raise HeldBack
        if pixels in (Pixels.MASKED, Pixels.CLEANED):
            with self.keeper.masked(one) as path:
                yield _place_of(path)
            return
        yield {
            "path": str(self.spool.path(one.spool_name)),
            "offset": one.data_offset,
            "length": one.data_length,
            "transfer_syntax": one.transfer_syntax,
        }

    def is_in_spool(self, one: ToRender) -> bool:
        """Whether its file as it was received is there."""
        return bool(one.spool_name) and self.spool.path(one.spool_name).exists()

    def is_kept(self, one: ToRender) -> bool:
        """Whether its DICOM is kept."""
        return one.kept_blob is not None


def _place_of(path: Path) -> Place:
    """A file of ours, which says itself what it is in: not always what was received."""
    offset, transfer_syntax = locate_data_set(path)
    return {"path": str(path), "offset": offset, "transfer_syntax": transfer_syntax}
