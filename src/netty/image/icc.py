"""ICC profiles: carried from the image into its renditions, so that colours mean the same (PS3.3 C.11.15)."""

import struct
from collections.abc import Iterator
from typing import Final

_MARKER: Final = b"ICC_PROFILE\0"
_LARGEST_PART: Final = 65533 - 2 - len(_MARKER) - 2  # of a JPEG segment, whose length counts itself


def is_rgb_profile(profile: bytes) -> bool:
    """Whether these bytes are a profile of RGB colours (ICC.1 7.2): of their own length, with the file signature."""
    if len(profile) < 132:
        return False
    (length,) = struct.unpack_from(">I", profile)
    return length in (len(profile), len(profile) - 1) and profile[36:40] == b"acsp" and profile[16:20] == b"RGB "


def with_profile(jpeg: bytes, profile: bytes) -> bytes:
    """A JPEG file with the profile in APP2 segments (ICC.1 Annex B.4), behind its first segment."""
    (first,) = struct.unpack_from(">H", jpeg, 4)  # SOI, then APP0, whose length counts itself but not its marker
    behind = 4 + first
    return b"".join([jpeg[:behind], *_segments(profile), jpeg[behind:]])


def _segments(profile: bytes) -> Iterator[bytes]:
    count = -(-len(profile) // _LARGEST_PART)
    for number in range(count):
        part = profile[number * _LARGEST_PART : (number + 1) * _LARGEST_PART]
        body = _MARKER + bytes([number + 1, count]) + part
        yield b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
