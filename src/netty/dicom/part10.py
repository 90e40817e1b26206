"""The head of a DICOM file: preamble and File Meta Information (PS3.10 section 7.1, always Explicit VR LE)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from netty.dicom.stencil import Gap, Piece, Stencil
from netty.errors import PeerError

PREAMBLE: Final = bytes(128)
PREFIX: Final = b"DICM"
HEAD_SIZE: Final = 65536  # enough of a file for `split_part10`: file meta information is a few hundred bytes

MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x00020003
TRANSFER_SYNTAX_UID: Final = 0x00020010
SOURCE_APPLICATION_ENTITY_TITLE: Final = 0x00020016

_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)


class NotPart10(PeerError):
    """The file does not begin as PS3.10 says; the sentence says where it departs."""


@dataclass(frozen=True, slots=True)
class Part10Head:
    """The file meta information: raw values by tag, the transfer syntax, and where the data set begins."""

    meta: Mapping[int, bytes]
    transfer_syntax: str
    data_set_offset: int

    def uid(self, tag: int) -> str:
        """The UID or AE title of an element; empty when it is absent."""
        return _text(self.meta.get(tag, b""))


def file_meta(
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax: str,
    *,
    implementation_class_uid: str,
    implementation_version_name: str = "",
    source_ae_title: str = "",
) -> bytes:
    """Preamble, prefix and file meta information of a new file; the data set follows as it came.

    A UID that is empty is left out: nobody knows it, and an element without a value would say that it is there.
    """
    before, behind = _invariant_meta(
        sop_class_uid, transfer_syntax, implementation_class_uid, implementation_version_name, source_ae_title
    )
    body = before + _uid_element(0x0003, sop_instance_uid) + behind
    return PREAMBLE + PREFIX + _element(0x0000, b"UL", struct.pack("<I", len(body))) + body


def file_meta_stencil(
    sop_class_uid: str,
    transfer_syntax: str,
    *,
    implementation_class_uid: str,
    implementation_version_name: str = "",
    source_ae_title: str = "",
) -> Stencil:
    """The same for any SOP Instance UID that is not empty."""
    before, behind = _invariant_meta(
        sop_class_uid, transfer_syntax, implementation_class_uid, implementation_version_name, source_ae_title
    )
    header = _element(0x0003, b"UI", b"")
    group_length = _element(0x0000, b"UL", bytes(4))
    return (
        Piece(PREAMBLE + PREFIX + group_length[:-4], Gap.UID_LENGTH_32, len(before + header + behind)),
        Piece(before + header[:-2], Gap.UID_LENGTH_16),
        Piece(b"", Gap.UID),
        Piece(behind),
    )


@lru_cache(maxsize=256)
def _invariant_meta(
    sop_class_uid: str, transfer_syntax: str, implementation_class_uid: str, version_name: str, source_ae_title: str
) -> tuple[bytes, bytes]:
    """What stands before and behind the SOP Instance UID: the same for all images of a series."""
    before = _element(0x0001, b"OB", b"\x00\x01") + _uid_element(0x0002, sop_class_uid)
    behind = [
        _element(0x0010, b"UI", _even(transfer_syntax, b"\0")),
        _element(0x0012, b"UI", _even(implementation_class_uid, b"\0")),
    ]
    if version_name:
        behind.append(_element(0x0013, b"SH", _even(version_name, b" ")))
    if source_ae_title:
        behind.append(_element(0x0016, b"AE", _even(source_ae_title, b" ")))
    return before, b"".join(behind)


def split_part10(head: bytes | memoryview) -> Part10Head:
    """The file meta information at the beginning of a file, of which `head` is the first `HEAD_SIZE` bytes or all."""
    data = bytes(head[:HEAD_SIZE])
    if data[128:132] != PREFIX:
        raise NotPart10('It is not a DICOM file: "DICM" does not stand behind the first 128 bytes.')
    meta: dict[int, bytes] = {}
    position = 132
    while data[position : position + 2] == b"\x02\x00":
        if position + 8 > len(data):
            raise _cut(position)
        element, vr, length = struct.unpack_from("<H2sH", data, position + 2)
        value = position + 8
        if vr in _LONG_VRS:
            if value + 4 > len(data):
                raise _cut(position)
            (length,) = struct.unpack_from("<I", data, value)
            value += 4
        if value + length > len(data):
            raise _cut(position)
        meta[0x00020000 | element] = data[value : value + length]
        position = value + length
    transfer_syntax = _text(meta.get(TRANSFER_SYNTAX_UID, b""))
    if not transfer_syntax:
        raise NotPart10("The file does not name its transfer syntax (0002,0010), so its data set cannot be read.")
    return Part10Head(meta, transfer_syntax, position)


def _cut(position: int) -> NotPart10:
    return NotPart10("The file meta information is broken at byte {position}.", position=position)


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    if vr in _LONG_VRS:
        return struct.pack("<HH2sHI", 0x0002, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value


def _uid_element(element: int, uid: str) -> bytes:
    return _element(element, b"UI", _even(uid, b"\0")) if uid else b""


def _even(text: str, pad: bytes) -> bytes:
    value = text.encode("ascii")
    return value + pad if len(value) % 2 else value


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")
