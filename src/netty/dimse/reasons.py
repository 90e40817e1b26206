"""Statuses in words, with what to do about them (PS3.7 Annex C; PS3.4 Tables B.2-1, C.4-1 and C.4-2)."""

from collections.abc import Mapping
from typing import Final

_GENERAL: Final[Mapping[int, str]] = {
    0x0000: "done",
    0x0105: "no such attribute",
    0x0106: "an attribute value is invalid",
    0x0107: "attribute list error",
    0x0110: "processing failure at the peer",
    0x0111: "the SOP instance is already there",
    0x0112: "no such SOP instance",
    0x0115: "an argument value is invalid",
    0x0116: "an attribute value is out of range",
    0x0117: "the SOP Instance UID is not valid",
    0x0118: "the peer does not know the SOP class",
    0x0119: "class and instance do not belong together",
    0x0120: "an attribute is missing",
    0x0122: "the peer does not support the SOP class",
    0x0124: "the peer does not authorise this; ask its administrator to allow our AE title",
    0x0210: "the message ID is already in use",
    0x0211: "the peer does not know the operation",
    0x0212: "an argument is missing or of the wrong type",
    0x0213: "the peer is out of resources; try again later",
    0xFE00: "cancelled",
}

_STORE: Final[Mapping[int, str]] = {
    0x0000: "stored",
    0xA700: "refused: out of resources; make room at the receiver",
    0xA800: "the SOP class is not supported (A800 is the statement's number; the standard's is 0122)",
    0xA900: "the data set does not match the SOP class or the request",
    0xB000: "stored, with values changed on the way in",
    0xB006: "stored, without some of the elements",
    0xB007: "stored, although the data set does not match its SOP class",
    0xC000: "the data set cannot be understood or is not wanted; the comment says why",
    0xFF00: "the receiver is stopping (the statement's number); try again later",
}

_FIND: Final[Mapping[int, str]] = {
    0x0000: "the search is complete",
    0xA700: "refused: the peer is out of resources; try again later",
    0xA900: "the peer says the query does not fit the SOP class",
    0xC000: "the peer cannot process the query",
    0xFE00: "the search was cancelled",
    0xFF00: "a match",
    0xFF01: "a match; the peer does not support some of the optional keys",
}

_MOVE: Final[Mapping[int, str]] = {
    0x0000: "all transfers are done",
    0xA700: "refused: the peer is out of resources; try again later",
    0xA701: "refused: the peer cannot count the matches; try again later",
    0xA702: (
        "refused: the peer could not send a single image to us; see that it has our AE title with the right host "
        "and port, and that nothing blocks the way from it to us"
    ),
    0xA801: "the peer does not know our AE title as a move destination; register it there with our host and port",
    0xA900: "the peer says the request does not fit the SOP class",
    0xAA00: "none of the frames asked for were found",
    0xAA01: "the peer cannot make a new object of the frames",
    0xAA02: "the peer cannot extract the frames",
    0xAA03: "a time-based request was made for an image without time",
    0xAA04: "the request is not valid",
    0xB000: "the transfers are done; one or more failed or ended with a warning",
    0xC000: "the peer cannot process the request",
    0xFE00: "the transfer was cancelled",
    0xFF00: "transfers continue",
}


def _explain(table: Mapping[int, str], status: int) -> str:
    sentence = table.get(status) or _GENERAL.get(status) or table.get(_range(status))
    return sentence or "the peer gives a status that the standard does not know"


def _range(status: int) -> int:
    """The number that stands for A7xx, A9xx and Cxxx; others are no ranges (PS3.4 Table B.2-1)."""
    if status >> 12 == 0xC:
        return 0xC000
    return status & 0xFF00 if status >> 8 in (0xA7, 0xA9) else status


def explain_store(status: int) -> str:
    """A C-STORE status in words."""
    return _explain(_STORE, status)


def explain_find(status: int) -> str:
    """A C-FIND status in words, with what to do about it."""
    return _explain(_FIND, status)


def explain_move(status: int) -> str:
    """A C-MOVE status in words, with what to do about it."""
    return _explain(_MOVE, status)
