"""The attributes of a data set through pydicom, without its pixel data, and tolerant reading of their values.

Values are read from the raw elements: nothing is converted that is not asked for, and what is malformed is empty
rather than an exception in the middle of a picture.
"""

import io
import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from netty.dicom import uids
from netty.errors import PeerError

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
LARGEST_ATTRIBUTE: Final = 4 * 1024 * 1024  # longer values stay in the file: no attribute that we read is so long

PIXEL_DATA: Final = 0x7FE00010
PIXEL_DATA_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})  # Float, Double Float, Pixel Data

# Transfer syntax -> (implicit VR, little endian): those whose data set is plain (PS3.5 Annex A).
NATIVE_SYNTAXES: Final = {
    uids.IMPLICIT_VR_LITTLE_ENDIAN: (True, True),
    uids.EXPLICIT_VR_LITTLE_ENDIAN: (False, True),
    uids.EXPLICIT_VR_BIG_ENDIAN: (False, False),
}


class DataSetError(PeerError):
    """The data set cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class PixelDataElement:
    """Where the pixel data stands: bytes from the beginning of the data set; `length` is None when undefined."""

    tag: int
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Attributes:
    """A data set up to its pixel data."""

    dataset: Dataset
    pixel_data: PixelDataElement | None
    is_little_endian: bool


class Section(io.RawIOBase):
    """A part of a binary file as a file of its own, so that nothing behind the data set is taken for an element."""

    def __init__(self, file: BinaryIO, offset: int, length: int) -> None:
        self._file, self._offset, self._length, self._position = file, offset, length, 0

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """It can be gone about in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a byte of the section."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills `buffer` with what follows, up to the end of the section."""
        size = min(len(buffer), max(0, self._length - self._position))
        self._file.seek(self._offset + self._position)
        data = self._file.read(size)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def read_attributes(file: BinaryIO, transfer_syntax: str, offset: int, length: int) -> Attributes:
    """The data set of `length` bytes at `offset`, read up to its pixel data, which is never touched."""
    if transfer_syntax not in NATIVE_SYNTAXES:
        raise DataSetError(
            "It cannot be rendered: netty does not read images in transfer syntax {transfer_syntax} yet.",
            transfer_syntax=transfer_syntax,
        )
    implicit, little = NATIVE_SYNTAXES[transfer_syntax]
    stopped: list[tuple[int, str | None, int]] = []

    def at_pixel_data(tag: BaseTag, vr: str | None, size: int) -> bool:
        if int(tag) in PIXEL_DATA_TAGS:
            stopped.append((int(tag), vr, size))
        return bool(stopped)

    section = io.BufferedReader(Section(file, offset, length), 64 * 1024)
    try:
        dataset = read_dataset(
            cast(BinaryIO, section), implicit, little, stop_when=at_pixel_data, defer_size=LARGEST_ATTRIBUTE
        )
    except (MemoryError, PeerError):
        raise
    except Exception as error:  # pydicom raises what happens to come up: struct.error, EOFError, RecursionError ...
        raise DataSetError("The data set is broken: {cause}", cause=_cause(error)) from error
    if not stopped:
        return Attributes(dataset, None, little)
    tag, vr, size = stopped[0]
    header = 8 if implicit or vr not in ("OB", "OW", "OF", "OD", "UN", "OL", "OV") else 12
    element = PixelDataElement(tag, vr or "OW", section.tell() + header, None if size == UNDEFINED_LENGTH else size)
    return Attributes(dataset, element, little)


_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TEXT_VRS: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UI", "UT", "UR"})
_NOT_UNSIGNED_WORDS: Final = frozenset({"SS", "UL", "SL", "FL", "FD", "UV", "SV"})
_BINARY_VRS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}


def texts(dataset: Dataset, tag: int) -> tuple[str, ...]:
    """The values of a text element, trimmed, read byte by byte as Latin-1: for codes and names of functions."""
    value = _value(dataset, tag)
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    return tuple(str(part).strip(" \0") for part in _listed(value))


def text(dataset: Dataset, tag: int) -> str:
    """The first value of a text element; empty when there is none."""
    return next(iter(texts(dataset, tag)), "")


def decimals(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """The numbers of a DS or IS element, whatever spaces stand about them; what is no finite number is left out."""
    return tuple(number for number in places(dataset, tag) if number is not None)


def places(dataset: Dataset, tag: int) -> tuple[float | None, ...]:
    """The numbers of a DS or IS element in their places, None where none can be read."""
    return tuple(_number(part) for part in texts(dataset, tag))


def integers(dataset: Dataset, tag: int) -> tuple[int, ...]:
    """The numbers of a binary element (US, SS ...); unsigned words when the VR does not say; for IS see `decimals`."""
    vr, little, value = _raw(dataset, tag)
    if isinstance(value, bytes) and vr not in _TEXT_VRS:
        code = _BINARY_VRS.get(vr, "H")
        size = struct.calcsize(code)
        found = struct.unpack(f"{'<' if little else '>'}{len(value) // size}{code}", value[: len(value) // size * size])
        return tuple(int(number) for number in found if math.isfinite(number))
    return tuple(int(number) for number in decimals(dataset, tag))


def integer(dataset: Dataset, tag: int, default: int | None = None) -> int | None:
    """The first whole number of an element, or `default`."""
    return next(iter(integers(dataset, tag)), default)


def reals(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """The finite numbers of an element of floating point (FL, FD), or of any other that holds numbers."""
    vr, little, value = _raw(dataset, tag)
    if isinstance(value, bytes) and vr in ("FL", "FD"):
        size = struct.calcsize(_BINARY_VRS[vr])
        code = f"{'<' if little else '>'}{len(value) // size}{_BINARY_VRS[vr]}"
        found = struct.unpack(code, value[: len(value) // size * size])
        return tuple(number for number in found if math.isfinite(number))
    if isinstance(value, bytes) and vr not in _TEXT_VRS:
        return tuple(float(number) for number in integers(dataset, tag))
    return decimals(dataset, tag)


def octets(dataset: Dataset, tag: int) -> bytes:
    """The bytes of a binary element as little endian has them: words of OW in big endian are turned."""
    vr, little, value = _raw(dataset, tag)
    if not isinstance(value, bytes):
        return value.encode("latin-1", "replace") if isinstance(value, str) else b""
    if little or vr != "OW":
        return value
    even = value[: len(value) // 2 * 2]
    return struct.pack(f"<{len(even) // 2}H", *struct.unpack(f">{len(even) // 2}H", even))


def words(dataset: Dataset, tag: int) -> Sequence[int]:
    """The 16-bit words of LUT data, which may be US, SS or OW."""
    vr, little, value = _raw(dataset, tag)
    if isinstance(value, bytes) and vr not in _TEXT_VRS:
        return struct.unpack(f"{'<' if little else '>'}{len(value) // 2}H", value[: len(value) // 2 * 2])
    return tuple(number & 0xFFFF for number in integers(dataset, tag))


def items(dataset: Dataset, tag: int) -> Iterator[Dataset]:
    """The items of a sequence; none when it is absent or is no sequence."""
    if tag not in dataset:
        return
    try:
        value = dataset[tag].value
    except Exception:  # what pydicom cannot take for a sequence has no items
        return
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from (item for item in value if isinstance(item, Dataset))


def _raw(dataset: Dataset, tag: int) -> tuple[str, bool, Any]:
    """VR, byte order and value of an element, converted or not."""
    try:
        element = dataset.get_item(tag)
    except (OSError, AttributeError):  # too long to have been read (LARGEST_ATTRIBUTE), and pydicom has no file
        element = None
    if element is None:
        return "", True, None
    little = getattr(element, "is_little_endian", dataset.original_encoding[1])
    return _stated_vr(tag, str(element.VR or "")), little is not False, element.value


def _stated_vr(tag: int, vr: str) -> str:
    """The VR, from the dictionary where neither the syntax nor the sender tells and words would be the wrong guess."""
    if vr not in ("", "UN"):
        return vr
    try:
        known = dictionary_VR(tag)
    except KeyError:  # private, or of a later edition
        return vr
    return known if known in _NOT_UNSIGNED_WORDS else vr


def _value(dataset: Dataset, tag: int) -> Any:
    return _raw(dataset, tag)[2]


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    return (value,)


def _number(part: str) -> float | None:
    match = _NUMBER.fullmatch(part.strip())
    number = float(match[0]) if match else math.nan
    return number if math.isfinite(number) else None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__
