"""Deflated data sets: the same picture as inflated, and no bomb."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from netty.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
from netty.image.errors import CannotRender
from netty.workflow import inflating
from netty.workflow.picture_file import PictureFile
from support.images import encoded, image_attributes

PIXELS = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def data_set(stated_length: int | None = None, behind: int = 0, **attributes: object) -> bytes:
    value = PIXELS.tobytes() + bytes(behind)
    head = encoded(image_attributes(PIXELS, **attributes), explicit=True)
    length = len(value) if stated_length is None else stated_length
    return head + b"\xe0\x7f\x10\x00OW\0\0" + length.to_bytes(4, "little") + value


def opened(path: Path, data: bytes) -> PictureFile:
    path.write_bytes(data)
    return PictureFile(path, 0, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)


def test_a_deflated_image_is_read(tmp_path: Path) -> None:
    with opened(tmp_path / "i", deflated(data_set())) as picture:
        assert np.array_equal(picture.file.cells(1).reshape(PIXELS.shape), PIXELS)
        assert picture.file.is_complete(1)


def test_a_bomb_is_refused_as_soon_as_it_is_larger_than_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflating, "HEAD", 1 << 20)
    monkeypatch.setattr(inflating, "MARGIN", 1 << 16)
    bomb = deflated(data_set(behind=64 << 20))

    with pytest.raises(CannotRender, match=r"larger than its header says: \d{7} bytes"):
        opened(tmp_path / "i", bomb)


def test_an_image_larger_than_what_is_read_first_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflating, "HEAD", 2048)
    with opened(tmp_path / "i", deflated(data_set())) as picture:
        assert np.array_equal(picture.file.cells(1).reshape(PIXELS.shape), PIXELS)


def test_what_is_not_deflated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="cannot be inflated"):
        opened(tmp_path / "i", b"\xff" * 100)


def test_a_cut_off_data_set_shows_what_there_is(tmp_path: Path) -> None:
    packed = deflated(data_set())
    with opened(tmp_path / "i", packed[:-64]) as picture:
        assert picture.file.cells(1)[:100].tolist() == PIXELS.reshape(-1)[:100].tolist()
