"""Text of a data set for our index and screens (PS3.3 C.12.1.1.2, PS3.5 6.1).

The bytes in the file are never changed (statement section 8: no operation on character sets); what is decoded here is
a copy. It never fails: what cannot be decoded is shown as replacement characters.
"""

import re
from collections.abc import Sequence
from typing import Final

_SINGLE_BYTE: Final[dict[str, str]] = {  # defined term -> Python codec; ISO_IR and ISO 2022 IR are told apart below
    "6": "ascii",
    "100": "latin-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "144": "iso8859-5",
    "127": "iso8859-6",
    "126": "iso8859-7",
    "138": "iso8859-8",
    "148": "iso8859-9",
    "203": "iso8859-15",
    "13": "shift_jis",  # JIS X 0201 is the single-byte part of Shift_JIS
    "166": "iso8859-11",
    "192": "utf-8",
}
_WITHOUT_NUMBER: Final[dict[str, str]] = {"": "ascii", "GB18030": "gb18030", "GBK": "gbk"}

_ESCAPED: Final[dict[bytes, str]] = {  # PS3.3 Tables C.12-3 and C.12-4
    b"\x1b(B": "ascii",
    b"\x1b(J": "shift_jis",
    b"\x1b)I": "shift_jis",
    b"\x1b$B": "iso2022_jp",
    b"\x1b$(D": "iso2022_jp_2",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
    b"\x1b-A": "latin-1",
    b"\x1b-B": "iso8859-2",
    b"\x1b-C": "iso8859-3",
    b"\x1b-D": "iso8859-4",
    b"\x1b-L": "iso8859-5",
    b"\x1b-G": "iso8859-6",
    b"\x1b-F": "iso8859-7",
    b"\x1b-H": "iso8859-8",
    b"\x1b-M": "iso8859-9",
    b"\x1b-b": "iso8859-15",
    b"\x1b-T": "iso8859-11",
}
_TWO_BYTES: Final = frozenset({"iso2022_jp", "iso2022_jp_2"})
_ESCAPE = re.compile(b"(" + b"|".join(re.escape(escape) for escape in _ESCAPED) + b")")
_DELIMITER = re.compile(b"([\\\\^=\r\n\t\f])")  # PS3.5 6.1.2.5.3

DEFINED_TERMS: Final = (  # of Specific Character Set, that can be shown
    *(f"ISO_IR {number}" for number in _SINGLE_BYTE),
    *(
        f"ISO 2022 IR {number}"
        for number in (*(each for each in _SINGLE_BYTE if each != "192"), "87", "159", "149", "58")
    ),
    *(term for term in _WITHOUT_NUMBER if term),
)

# Data sets that declare nothing and yet hold more than ASCII are common; in Japan they are mostly one of these.
_UNDECLARED: Final = ("utf-8", "cp932")


def character_sets(value: bytes) -> tuple[str, ...]:
    """The values of Specific Character Set (0008,0005); one empty value where there is none."""
    return tuple(part.strip(" \0") for part in value.decode("ascii", "replace").split("\\"))


def decode_text(value: bytes, declared: Sequence[str] = ("",)) -> str:
    """The text of an element, without padding, for reading by people."""
    value = value.strip(b" \0")
    first = _codec(declared[0] if declared else "")
    if len(declared) < 2 and b"\x1b" not in value:
        return _decode_whole(value, first)
    pieces = _ESCAPE.split(value)
    text = [_decode_whole(pieces[0], first)]
    text += [_decode_escaped(escape, piece, first) for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True)]
    return "".join(text)


def _codec(term: str) -> str:
    number = term.removeprefix("ISO 2022 IR").removeprefix("ISO_IR").removeprefix("ISO 2022_IR").strip()
    if term in _WITHOUT_NUMBER:
        return _WITHOUT_NUMBER[term]
    return _SINGLE_BYTE.get(number, "ascii")


def _decode_whole(value: bytes, codec: str) -> str:
    for candidate in (codec, *_UNDECLARED) if codec == "ascii" else (codec,):
        try:
            return value.decode(candidate)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1" if codec == "ascii" else codec, "replace")


def _decode_escaped(escape: bytes, piece: bytes, first: str) -> str:
    """What follows an escape, up to the next one. A delimiter returns to the first character set."""
    codec = _ESCAPED[escape]
    if codec in _TWO_BYTES:  # the bytes of a delimiter are then halves of characters
        return (escape + piece).decode(codec, "replace")
    designated, *rest = _DELIMITER.split(piece, maxsplit=1)
    return designated.decode(codec, "replace") + "".join(_decode_whole(part, first) for part in rest)
