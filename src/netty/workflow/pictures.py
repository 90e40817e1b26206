"""Having a render child draw an instance: where its DICOM is, what its pixels may show, where its pictures go."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from netty.archive.blobs import Blobs
from netty.archive.held import RenderState, Rendition
from netty.archive.received import ToRender
from netty.archive.spool import Spool
from netty.errors import LocalError, NettyError
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.rendition import EXTENSIONS, RenditionKind
from netty.image.settings import LoopFormat, RenderSettings
from netty.model import reasons
from netty.processes.job_channel import Bytes
from netty.processes.render_pool import ChildFailed, Reply
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.deidentify import Pixels
from netty.workflow.group_commit import GroupCommit
from netty.workflow.keep import Keeper
from netty.workflow.rendered import RenderedFile, rendered_of

log = logging.getLogger(__name__)

_SHARDS: Final = 256  # folders that hold those of the series

Render = Callable[[Sequence[Mapping[str, Any]]], Iterable[Reply]]
"""Runs some jobs in a render child and gives their replies one by one; LocalError where one failed or it died."""

Place = dict[str, Any]
"""Where a data set lies, as a render job says it: `path`, `offset`, `transfer_syntax`, perhaps `length`."""


class HeldBack(LocalError):
    """The pixels may show who the patient is; a person has to look first."""

    def __init__(self) -> None:
        super().__init__(reasons.TEXT_IN_PIXELS)


class Pictures:
    """Takes the replies to one job: each picture goes to the blob store at once, so that no cine fills the memory."""

    def __init__(self, blobs: Blobs, stem: str, presentation_state: str = "", *, again: bool = False) -> None:
        """`stem`: with which their names begin.

        `again`: there are pictures by the plain names, which must stay until the new ones have their rows.
        """
        self._blobs = blobs
        self._stem = f"{stem}-{secrets.token_hex(4)}" if again else stem
        self.presentation_state = presentation_state
        self.keys: list[str] = []
        self.renditions: list[Rendition] = []
        self.frames = 0
        self.ended: RenderState | None = None
        self.reason = ""
        self.references: list[str] = []

    def take(self, header: Mapping[str, Any], data: Bytes) -> None:
        """One reply."""
        match header["kind"]:
            case "image":
                self.frames = header["frames"]
            case "rendition":
                self._rendition(rendered_of(header, data))
            case "no_picture" | "cannot_render" as kind:
                self.ended = RenderState.NO_PICTURE if kind == "no_picture" else RenderState.FAILED
                self.reason = str(NettyError(header["template"], **header["values"]))
                self.references = list(header.get("references", ()))

    def discard(self) -> None:
        """Remove them again: no row will name them."""
        self._blobs.remove(self.keys)

    def remark(self, flag: Flag) -> None:
        """Note a flag with every picture that there is."""
        self.renditions = [replace(one, flags=(*one.flags, flag.value)) for one in self.renditions]

    def _rendition(self, made: RenderedFile) -> None:
        name = made.view or ("" if made.kind is RenditionKind.PICTURE else made.kind.value)
        blob_key = f"{self._stem}-{made.frame:06d}{'-' * bool(name)}{name}.{EXTENSIONS[made.format]}"
        self._blobs.put(blob_key, made.data)
        self.keys.append(blob_key)
        self.renditions.append(
            Rendition(
                kind=made.kind,
                format=made.format,
                frame=made.frame,
                blob_key=blob_key,
                width=made.width,
                height=made.height,
                bytes=len(made.data),
                sha256=hashlib.sha256(made.data).hexdigest(),
                recipe=made.recipe,
                window=made.window,
                view=made.view,
                presentation_state=self.presentation_state,
                flags=tuple(flag.value for flag in made.flags),
            )
        )


def picture_stem(one: ToRender) -> str:
    """Where the pictures of an instance lie in the blob store.

    One folder for each series, not for each image: making and syncing it would cost as much as the picture.
    """
    return f"renditions/{one.series % _SHARDS:02x}/{one.series:x}/{one.key}"


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
        job = self._job(place, pictures) | more
        self._draw([job], [pictures])

    def draw_together(self, places: Sequence[Place], pictures: Sequence[Pictures]) -> None:
        """Have several drawn, one by one by the same child; LocalError where that went wrong with any of them."""
        self._draw([self._job(place, each) for place, each in zip(places, pictures, strict=True)], pictures)

    def _job(self, place: Place, pictures: Pictures) -> dict[str, Any]:
        settings = self.settings
        return place | {
            "format": settings.format.value,
            "quality": settings.quality,
            "png_bits": settings.png_bits,
            "ct_windows": [window.value for window in settings.ct_windows],
            "thumbnail": not pictures.presentation_state,
        }

    def _draw(self, jobs: Sequence[dict[str, Any]], pictures: Sequence[Pictures]) -> None:
        for reply in self.render(jobs):
            pictures[reply.job].take(reply.header, reply.payload)
        for job, each in zip(jobs, pictures, strict=True):
            if self.settings.loop is not LoopFormat.NONE and each.frames > 1 and each.ended is None:
                self._draw_loop(job, each)

    def _draw_loop(self, job: Mapping[str, Any], pictures: Pictures) -> None:
        """The loop, by a job of its own: the frames are there all the same where it cannot be made, or a child dies."""
        try:
            for reply in self.render([{**job, "loop": self.settings.loop.value}]):
                if reply.header["kind"] == "rendition":
                    pictures.take(reply.header, reply.payload)
                elif reply.header["kind"] != "image":
                    raise CannotRender(reply.header["template"], **reply.header["values"])
        except (ChildFailed, CannotRender) as error:
            log.warning("render: no loop of %s: %s", job["path"], error)
            pictures.remark(Flag.LOOP_LEFT_OUT)

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
