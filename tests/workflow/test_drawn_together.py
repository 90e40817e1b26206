"""Quick images are drawn several in one go; what goes wrong with one of them costs the others nothing."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from netty.archive.blobs import Blobs
from netty.archive.held import RenderState
from netty.archive.received import Rendered, ToRender
from netty.archive.registration import Registration
from netty.archive.spool import Spool
from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from netty.image.rendition import RenditionKind
from netty.image.settings import RenderSettings
from netty.processes.render_pool import ChildFailed, Reply
from netty.workflow.deidentify import Pixels
from netty.workflow.group_commit import GroupCommit
from netty.workflow.keep import Keeper
from netty.workflow.pictures import Drawer
from netty.workflow.render import Renderer
from netty.workflow.rendered import RenderedFile, rendition_reply
from netty.workflow.rerender import Rerenderer
from support.waiting import wait_until

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
PICTURE = RenderedFile(RenditionKind.PICTURE, 1, b"\xff\xd8 of {number} \xff\xd9", "jpeg", 4, 4, {})


def to_render(number: int, transfer_syntax: str = EXPLICIT_VR_LITTLE_ENDIAN, length: int = 1000) -> ToRender:
    return ToRender(
        number, f"{number:032x}", 1, f"{number}.dcm", 100, length, transfer_syntax, "", f"1.2.{number}", "1.3", "1.4", 0
    )


@dataclass
class Catalogue:
    """Stands for the rows."""

    waiting: list[ToRender]
    rendered_ones: dict[int, int] = field(default_factory=dict)
    not_rendered_ones: dict[int, tuple[RenderState, str]] = field(default_factory=dict)

    def unrendered(self, limit: int, but_for: Collection[int] = ()) -> list[ToRender]:
        """What waits."""
        ended = {*self.rendered_ones, *self.not_rendered_ones, *but_for}
        return [one for one in self.waiting if one.instance_id not in ended][:limit]

    def rendered(self, batch: Sequence[Rendered]) -> list[list[str]]:
        """Notes how many pictures each has."""
        self.rendered_ones |= {one.instance_id: len(one.renditions) for one in batch}
        return [[] for _ in batch]

    def not_rendered(self, number: int, state: RenderState, reason: str, *_: Any) -> None:
        """Notes why there is none."""
        self.not_rendered_ones[number] = state, reason

    def clear_finished(self, *_: Any) -> int:
        """Nothing is cleared away here."""
        return 0


class LeavesAlone:
    """A keeper that keeps nothing."""

    def pixels_of(self, _: ToRender) -> Pixels:
        """All of them may be seen."""
        return Pixels.KEPT

    def keep(self, _: ToRender) -> None:
        """Nothing."""


class NothingAgain:
    """Nothing is drawn once more."""

    def tasks(self, *_: Any) -> list[Any]:
        """None."""
        return []


@dataclass
class Child:
    """A render child that some images kill, and others have no picture."""

    deadly: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    together: list[int] = field(default_factory=list)

    def run(self, jobs: Sequence[Mapping[str, Any]]) -> Iterator[Reply]:
        """The replies to some jobs."""
        self.together.append(len(jobs))
        for number, job in enumerate(jobs):
            name = Path(job["path"]).stem
            if name in self.deadly:
                raise ChildFailed("The renderer died ({end}).", end="SIGSEGV")
            if name in self.without:
                yield Reply({"kind": "no_picture", "template": "By its nature.", "values": {}}, b"", number)
                continue
            yield Reply({"kind": "image", "frames": 1}, b"", number)
            header, _ = rendition_reply(PICTURE)
            yield Reply(header, f"the picture of {name}".encode(), number)


def rendered(folder: Path, catalogue: Catalogue, child: Child) -> Blobs:
    """Everything that waits, through one render thread."""
    blobs, spool = Blobs("file:blobs", folder), Spool(folder / "spool", folder / "quarantine")
    commits = GroupCommit(cast(Any, threading.Lock), blobs.sync)
    drawer = Drawer(spool, blobs, child.run, RenderSettings(), cast(Keeper, LeavesAlone()), commits)
    renderer = Renderer(cast(Registration, catalogue), drawer, cast(Rerenderer, NothingAgain()), workers=1)
    stopping = threading.Event()
    thread = threading.Thread(target=renderer.run, args=[stopping])
    thread.start()
    try:
        wait_until(lambda: not catalogue.unrendered(1), 20, "everything is drawn")
    finally:
        stopping.set()
        thread.join()
        spool.close()
    return blobs


def picture_of(blobs: Blobs, one: ToRender) -> bytes:
    return blobs.get(f"renditions/01/1/{one.key}-000001.jpg")


def test_quick_images_are_drawn_in_one_go_and_each_has_its_own_picture(tmp_path: Path) -> None:
    catalogue, child = Catalogue([to_render(number) for number in range(1, 21)]), Child()

    blobs = rendered(tmp_path, catalogue, child)

    assert catalogue.rendered_ones == dict.fromkeys(range(1, 21), 1)
    assert max(child.together) == 8
    assert [picture_of(blobs, one) for one in catalogue.waiting] == [
        f"the picture of {number}".encode() for number in range(1, 21)
    ]


def test_an_image_that_kills_its_child_is_found_out_and_no_other_one_is_blamed(tmp_path: Path) -> None:
    catalogue = Catalogue([to_render(number) for number in range(1, 13)])

    rendered(tmp_path, catalogue, Child(deadly=frozenset({"3"})))

    assert set(catalogue.not_rendered_ones) == {3}
    assert catalogue.rendered_ones == {number: 1 for number in range(1, 13) if number != 3}


def test_one_that_has_no_picture_by_its_nature_does_not_hold_the_others_up(tmp_path: Path) -> None:
    catalogue, child = Catalogue([to_render(number) for number in range(1, 9)]), Child(without=frozenset({"2"}))

    rendered(tmp_path, catalogue, child)

    assert catalogue.not_rendered_ones == {2: (RenderState.NO_PICTURE, "By its nature.")}
    assert set(catalogue.rendered_ones) == {1, 3, 4, 5, 6, 7, 8}
    assert sum(child.together) == 8, "none was drawn twice"


@pytest.mark.parametrize(
    "one",
    [to_render(1, JPEG_BASELINE), to_render(1, length=2 << 20)],
    ids=["compressed", "two megabytes"],
)
def test_what_takes_longer_is_drawn_by_itself(tmp_path: Path, one: ToRender) -> None:
    others = [to_render(number, one.transfer_syntax, one.data_length) for number in range(2, 10)]
    child = Child()

    rendered(tmp_path, Catalogue([one, *others]), child)

    assert child.together == [1] * 9
