"""Spoilt images the whole way: stored over the wire, and what is kept is rendered by a real render child.

The receiver answers every one of them with a status of table 6 and goes on; what it keeps reads back as it was sent;
and the render child gives a picture, or says why there is none, within its limits.
"""

import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.archive.digest import has_digest
from netty.archive.spool import read_receipt
from netty.dicom.part10 import file_meta
from netty.model.lease import Lease
from netty.processes.limits import MEGABYTE, ChildLimits
from netty.processes.render_pool import ChildPool
from netty.simulator.studies_objects import CT, MG, MR, SC, US_MULTIFRAME, XA, Person, Place, Study, presentation_state
from netty.simulator.studies_small import small_image
from netty.workflow.settings import Durability, ReceiveSettings
from support.fuzzing import Spoiling, cases, corpus, spoilings, spoilt, tried
from support.images import encoded
from support.raw_peer import IMPLICIT, Image, RawPeer, Request, element, raw_peer, uid
from support.receiving import Receiving, receiving

RENDER_CHILD = (sys.executable, "-W", "ignore", "-c", "from netty.gateway.render_child import run; run()")
LIMITS = ChildLimits(memory=1024 * MEGABYTE, cpu_seconds=30, wall_seconds=60, niceness=0)
STUDY = uid("fuzz", "study")
STATUSES = {0x0000, 0xA700, 0xA900, 0xB007, 0xC000}
KEPT = {0x0000, 0xB007}
WORDS = struct.Struct("<H")

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Element:
    """A top-level element of a template: where it begins, where its value, where it ends."""

    tag: int
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """A sound image in Implicit VR Little Endian."""

    sop_class: str
    sop: str
    data: bytes
    elements: tuple[Element, ...]


def _elements(data: bytes) -> Iterator[Element]:
    position = 0
    while position < len(data):
        group, number, length = struct.unpack_from("<HHL", data, position)
        yield Element(group << 16 | number, position, position + 8, position + 8 + length)
        position += 8 + length


def _grouped(**attributes: Any) -> dict[str, Any]:
    """Attributes that turn on more of the renderer: a shutter, and padding."""
    return {
        "ShutterShape": "CIRCULAR",
        "CenterOfCircularShutter": [8, 6],
        "RadiusOfCircularShutter": 4,
        "PixelPaddingValue": 0,
        **attributes,
    }


SHAPES: tuple[tuple[str, dict[str, Any]], ...] = (
    (CT, {}),
    (CT, _grouped()),
    (MR, {"bits_stored": 16}),
    (MG, {}),
    (XA, {}),
    (US_MULTIFRAME, {}),
    (SC, {"planar": 1}),
    (SC, {"photometric": "PALETTE COLOR", "bits_stored": 8}),
    (SC, {"photometric": "YBR_FULL"}),
)


@cache
def template(number: int) -> Template:
    """The image of one of the shapes."""
    sop_class, shape = SHAPES[number]
    dataset = small_image(
        sop_class, Person("FUZZ-1", "FUZZ^ONE"), Study(STUDY), Place(1, 1), rows=16, columns=12, **shape
    )
    dataset.SOPInstanceUID = uid("fuzz", 0).ljust(36, "1")[:36]
    data = encoded(dataset)
    return Template(sop_class, str(dataset.SOPInstanceUID), data, tuple(_elements(data)))


@cache
def state_file(folder: Path) -> Path:
    """A presentation state for CT images."""
    person, study = Person("FUZZ-1", "FUZZ^ONE"), Study(STUDY)
    shown = small_image(CT, person, study, Place(1, 1), rows=16, columns=12)
    path = folder / "state.dcm"
    path.write_bytes(encoded(presentation_state(person, study, Place(2, 1), [shown], (900, 1500), "NOTE")))
    return path


# --- how an image is spoilt ----------------------------------------------------------------------------------------

EXTREME = (0, 1, 2, 7, 8, 12, 16, 31, 32, 64, 255, 256, 4095, 32767, 32768, 65535)
TEXTS = (
    b"",
    b" ",
    b"0",
    b"-1",
    b"1e308",
    b"-1e-308",
    b"nan",
    b"inf",
    b"99999999999999999999",
    b"\\\\\\",
    b"1\\2\\3\\4\\5\\6\\7\\8",
    b"MONOCHROME1",
    b"PALETTE COLOR",
    b"YBR_FULL_422",
    b"RGB",
    b"<script>alert(1)</script>",
    b"\x1b$B\xff\xfe\x1b(Z",
    b"\0" * 64,
    b"ISO 2022 IR 87\\ISO_IR 999",
    b"A" * 70000,
)


def _with_value(image: Template, at: int, value: bytes) -> bytes:
    one = image.elements[at % len(image.elements)]
    return image.data[: one.start] + element(one.tag, value) + image.data[one.end :]


def _number_changed(image: Template, at: int, value: int) -> bytes:
    words = [one for one in image.elements if one.end - one.value == 2]
    chosen = image.elements.index(words[at % len(words)])
    return _with_value(image, chosen, WORDS.pack(EXTREME[value % len(EXTREME)]))


def _text_changed(image: Template, at: int, value: int) -> bytes:
    return _with_value(image, at, TEXTS[value % len(TEXTS)])


def _cut_at(image: Template, at: int, value: int) -> bytes:
    one = image.elements[at % len(image.elements)]
    return image.data[: (one.start, one.value, one.start + 4, (one.value + one.end) // 2)[value % 4]]


def _dropped(image: Template, at: int, value: int) -> bytes:
    one = image.elements[at % len(image.elements)]
    return image.data[: one.start] + image.data[one.end :]


def _twice(image: Template, at: int, value: int) -> bytes:
    one = image.elements[at % len(image.elements)]
    return image.data[: one.end] + image.data[one.start :]


def _nested(image: Template, at: int, value: int) -> bytes:
    """Sequences in sequences before an element: as many as may be, one more, many more."""
    one, depth = image.elements[at % len(image.elements)], (1, 60, 64, 65, 250, 2000)[value % 6]
    opened = struct.pack("<HHL", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closed = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return image.data[: one.start] + opened * depth + closed * depth + image.data[one.start :]


def _size(rows: int, columns: int) -> Callable[[Template, int, int], bytes]:
    def changed(image: Template, at: int, value: int) -> bytes:
        sizes = {0x00280010: rows, 0x00280011: columns}
        return b"".join(
            element(one.tag, WORDS.pack(sizes[one.tag])) if one.tag in sizes else image.data[one.start : one.end]
            for one in image.elements
        )

    return changed


def _many_frames(image: Template, at: int, value: int) -> bytes:
    frames = element(0x00280008, (b"2", b"0", b"-1", b"2147483647", b"999999999999", b"1.5")[value % 6])
    place = next(one.start for one in image.elements if one.tag > 0x00280008)
    return image.data[:place] + frames + image.data[place:]


def _overlay(image: Template, at: int, value: int) -> bytes:
    """An overlay plane, sound or not, before the pixels."""
    rows = EXTREME[value % len(EXTREME)]
    plane: Mapping[int, bytes] = {
        0x60000010: WORDS.pack(rows),
        0x60000011: WORDS.pack(EXTREME[at % len(EXTREME)]),
        0x60000040: b"G ",
        0x60000050: struct.pack("<hh", at % 65536 - 32768, value % 65536 - 32768),
        0x60000100: WORDS.pack((1, 16, 0, 33)[at % 4]),
        0x60000102: WORDS.pack((0, 15, 40)[value % 3]),
        0x60003000: bytes(range(24)),
    }
    pixels = image.elements[-1].start
    return image.data[:pixels] + b"".join(element(tag, value) for tag, value in plane.items()) + image.data[pixels:]


WAYS: dict[str, Callable[[Template, int, int], bytes]] = {
    "number": _number_changed,
    "text": _text_changed,
    "cut": _cut_at,
    "dropped": _dropped,
    "twice": _twice,
    "nested": _nested,
    "no size": _size(0, 0),
    "the largest size": _size(65535, 65535),
    "frames": _many_frames,
    "overlay": _overlay,
}


def _image(shape: int, way: str, at: int, value: int, how: list[Spoiling]) -> tuple[Template, bytes]:
    """A spoilt image with a UID of its own."""
    sound = template(shape)
    data = WAYS[way](sound, at, value) if way in WAYS else sound.data
    data = spoilt(data, how, max(1, len(data) - 400))
    number = str(next(_numbers))
    sop = sound.sop[: -len(number)] + number
    return Template(sound.sop_class, sop, data.replace(sound.sop.encode(), sop.encode()), ()), data


# --- the way -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Way:
    """From a peer to a picture."""

    running: Receiving
    peer: RawPeer
    lease: Lease
    pool: ChildPool
    folder: Path

    def take(self, image: Template, through_state: bool = False) -> None:
        """Store, read back, render."""
        before = self.names()
        named = Image(STUDY, "", image.sop, sop_class=image.sop_class)
        context_id = 3 + 2 * CLASSES.index(image.sop_class)
        answer = self.peer.store(
            named,
            context_id,
            1,
            data=image.data,
            originator="HAPPY_netty",
            originator_id=self.lease.message_id,
        )
        assert answer.status in STATUSES, hex(answer.status)
        tried[f"picture: {answer.status:04X}"] += 1
        new = self.names() - before
        if answer.status not in KEPT:
            assert not new
            return
        [name] = new
        path = self.copied(name)
        receipt = read_receipt(path)
        assert receipt is not None
        offset, length = int(receipt["data_offset"]), int(receipt["data_length"])
        kept = path.read_bytes()[offset : offset + length]
        assert kept == image.data
        assert has_digest([kept], receipt["digest"])
        self.render(path, offset, length, through_state)

    def names(self) -> set[str]:
        """What lies in spool and quarantine; a file made ahead of an image does not count."""
        places = [self.running.folder / name for name in ("spool", "quarantine")]
        return {path.name for place in places for path in place.iterdir() if read_receipt(path) is not None}

    def copied(self, name: str) -> Path:
        """A copy of what was kept; the registrar may move it to the quarantine at any moment."""
        path = self.folder / "kept.dcm"
        for place in ("spool", "quarantine"):
            with suppress(FileNotFoundError):
                path.write_bytes((self.running.folder / place / name).read_bytes())
                return path
        raise AssertionError("what was answered with success is gone")

    def render(self, path: Path, offset: int, length: int, through_state: bool) -> None:
        """A picture, or why there is none; ChildFailed is a finding."""
        job: dict[str, Any] = {"path": str(path), "offset": offset, "length": length, "transfer_syntax": IMPLICIT}
        job |= {"format": "jpeg", "quality": 90}
        if through_state:
            state = {"path": str(state_file(self.folder)), "offset": 0, "transfer_syntax": IMPLICIT}
            job["presentation_state"] = state
        replies = list(self.pool.run(job))
        kinds = [reply.header["kind"] for reply in replies]
        assert kinds
        tried[f"picture: {kinds[-1]}"] += 1
        if kinds[-1] in ("no_picture", "cannot_render"):
            assert str(replies[-1].header["template"]).format(**replies[-1].header["values"])
        else:
            assert kinds == ["image"] + ["rendition"] * replies[0].header["frames"]


CLASSES = sorted({sop_class for sop_class, _ in SHAPES})
CONTEXTS = [(3 + 2 * number, sop_class, (IMPLICIT,)) for number, sop_class in enumerate(CLASSES)]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """One receiver, one association, one render child for all cases."""
    folder = tmp_path_factory.mktemp("pictures")
    settings = ReceiveSettings(durability=Durability.OS)
    with receiving(folder / "netty", settings) as running, ChildPool(RENDER_CHILD, 1, LIMITS) as pool:
        lease = running.open_lease(Image(STUDY, "", "1.2.3", patient_id="FUZZ-1"), seconds=86400)
        with raw_peer(running.port) as peer:
            peer.associate(Request(contexts=CONTEXTS))
            pool.start()
            yield Way(running, peer, lease, pool, folder)
            peer.release()


@cases(320)
@given(
    shape=st.integers(0, len(SHAPES) - 1),
    name=st.sampled_from(sorted(WAYS)),
    at=st.integers(0, 9999),
    value=st.integers(0, 9999),
    how=st.one_of(st.just([]), st.just([]), spoilings),
    through_state=st.sampled_from([False, False, False, True]),
)
def test_an_image_with_changed_elements_is_kept_and_rendered_or_refused(
    way: Way, shape: int, name: str, at: int, value: int, how: list[Spoiling], through_state: bool
) -> None:
    tried["picture"] += 1
    image, _ = _image(shape, name, at, value, how)
    way.take(image, through_state)


@cases(200)
@given(shape=st.integers(0, len(SHAPES) - 1), how=spoilings)
def test_an_image_with_changed_bytes_is_kept_and_rendered_or_refused(way: Way, shape: int, how: list[Spoiling]) -> None:
    tried["picture"] += 1
    image, _ = _image(shape, "none", 0, 0, how)
    way.take(image)


@pytest.mark.parametrize("path", corpus("data_set"), ids=lambda path: path.name)
def test_a_data_set_of_the_corpus_gives_a_picture_or_the_reason(way: Way, path: Path) -> None:
    """Rendered although the receiver would not have kept it: files may rot."""
    way.render(path, 0, path.stat().st_size, False)


@pytest.mark.parametrize("path", corpus("data_set"), ids=lambda path: path.name)
def test_a_file_head_before_a_data_set_of_the_corpus_does_not_matter(way: Way, path: Path, tmp_path: Path) -> None:
    head = file_meta(CT, "1.2.3", IMPLICIT, implementation_class_uid="1.2.3")
    (tmp_path / "file.dcm").write_bytes(head + path.read_bytes())
    way.render(tmp_path / "file.dcm", len(head), path.stat().st_size, True)
