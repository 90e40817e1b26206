"""Identifiers of C-FIND and C-MOVE to bytes and back (PS3.4 section C.4; PS3.5 section 7.1).

An identifier is a flat list of short values. A C-FIND response may hold sequences all the same: they are stepped over.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final

from netty import native
from netty.dicom.tags import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_REPRESENTATIONS,
    VALUE_REPRESENTATIONS,
    format_tag,
)
from netty.errors import LocalError, PeerError

_IMPLICIT: Final = struct.Struct("<HHL")
_EXPLICIT: Final = struct.Struct("<HH2sH")
_LONG_LENGTH: Final = struct.Struct("<L")
_UNDEFINED: Final = 0xFFFFFFFF
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_DEPTH: Final = 64

Split = Callable[[bytes, bool], dict[int, bytes]]


class IdentifierError(PeerError):
    """An identifier that cannot be read."""


def encode_identifier(values: Mapping[int, bytes | str], explicit: bool = False) -> bytes:
    """The elements in ascending order, each padded to even length. Text is ASCII; give bytes for other sets."""
    return b"".join(_encode(tag, values[tag], explicit) for tag in sorted(values))


def _encode(tag: int, value: bytes | str, explicit: bool) -> bytes:
    if isinstance(value, str):
        if not value.isascii():
            raise LocalError("The value {value!r} can be asked for only in ASCII.", value=value)
        value = value.encode("ascii")
    data = value
    if len(data) % 2:
        data += b"\0" if _vr(tag) in ("UI", "UN") else b" "
    group, element = tag >> 16, tag & 0xFFFF
    if not explicit:
        return _IMPLICIT.pack(group, element, len(data)) + data
    vr = _vr(tag)
    if vr in SHORT_REPRESENTATIONS:
        return _EXPLICIT.pack(group, element, vr.encode(), len(data)) + data
    return _EXPLICIT.pack(group, element, vr.encode(), 0) + _LONG_LENGTH.pack(len(data)) + data


def _vr(tag: int) -> str:
    return VALUE_REPRESENTATIONS.get(tag, "UN")


def decode_identifier(data: bytes | memoryview, explicit: bool = False) -> dict[int, bytes]:
    """Tag -> value as it stands, with its padding; the first of two counts. Raises IdentifierError."""
    if native.compiled is not None and not explicit:
        plain: dict[int, bytes] | None = native.compiled.split_elements(data)
        if plain is not None:
            return plain
    return by_python(bytes(data), explicit)


def by_python(data: bytes, explicit: bool) -> dict[int, bytes]:
    """`decode_identifier` without its compiled twin, which knows no sequences and no errors."""
    values: dict[int, bytes] = {}
    position, end, unpack, vr = 0, len(data), _IMPLICIT.unpack_from, b""
    while position < end:
        if explicit or end - position < _IMPLICIT.size:
            tag, vr, length, position = _header(data, position, explicit)
        else:  # nearly always; an answer has half a dozen elements, and a study thousands of answers
            group, element, length = unpack(data, position)
            tag, position = group << 16 | element, position + 8
        stop = position + length
        if length == _UNDEFINED:
            position = _skip_sequence(data, position, explicit and vr != b"UN")
            continue
        if stop > end:
            raise IdentifierError("Element {tag} ends behind its identifier.", tag=format_tag(tag))
        if tag not in values:
            values[tag] = data[position:stop]
        position = stop
    return values


def text_value(value: bytes | None) -> str:
    """A value without its padding, for UIDs, codes, dates and numbers, which are ASCII (PS3.5 section 6.2)."""
    return (value or b"").decode("latin-1").strip(" \0")


def text_values(value: bytes | None) -> tuple[str, ...]:
    """The values of a multi-valued element (PS3.5 section 6.4)."""
    return tuple(part.strip(" \0") for part in (value or b"").decode("latin-1").split("\\") if part.strip(" \0"))


def _header(data: bytes, position: int, explicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, VR, length, and where the value begins."""
    if len(data) - position < 8:
        raise IdentifierError("The identifier is cut off in the middle of an element's header.")
    group, element, length = _IMPLICIT.unpack_from(data, position)
    tag = group << 16 | element
    if not explicit or group == 0xFFFE:
        return tag, b"", length, position + 8
    _, _, vr, length = _EXPLICIT.unpack_from(data, position)
    if vr in _SHORT:
        return tag, vr, length, position + 8
    if len(data) - position < 12:
        raise IdentifierError("The identifier is cut off in the middle of an element's header.")
    (length,) = _LONG_LENGTH.unpack_from(data, position + 8)
    return tag, vr, length, position + 12


def _skip_sequence(data: bytes, position: int, explicit: bool) -> int:
    """Behind a sequence of undefined length that begins at `position`: only what has no length is looked into."""
    enclosing: list[tuple[int, bool]] = [(SEQUENCE_DELIMITATION, explicit)]  # what ends each open level
    while enclosing:
        delimiter, level_explicit = enclosing[-1]
        tag, vr, length, position = _header(data, position, level_explicit)
        if tag == delimiter:
            enclosing.pop()
        elif length == _UNDEFINED:
            inner = ITEM_DELIMITATION if tag == ITEM else SEQUENCE_DELIMITATION
            enclosing.append((inner, level_explicit and vr != b"UN"))
            if len(enclosing) > 2 * _DEPTH:
                raise IdentifierError("The identifier nests sequences more than {limit} deep.", limit=_DEPTH)
        elif length > len(data) - position:
            raise IdentifierError("Element {tag} ends behind its identifier.", tag=format_tag(tag))
        else:
            position += length
    return position
