"""What a simulated hospital does wrong, on purpose: each quirk has been seen in a real PACS or in one's logs."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from netty.errors import UsageError


class Quirk(StrEnum):
    """The names, as `netty simulate --quirk` takes them."""

    NO_ORIGINATOR = "no-originator"
    LATE_STORES = "late-stores"
    WRONG_PATIENT = "wrong-patient"
    SLOW = "slow"
    DROP_ONE = "drop-one"
    SUCCESS_WITHOUT_IMAGES = "success-without-images"
    NO_PENDING = "no-pending"
    NO_SOP_CLASS = "no-sop-class"


DESCRIPTIONS: Final[dict[Quirk, str]] = {
    Quirk.NO_ORIGINATOR: "C-STOREs carry no Move Originator fields (they are optional, PS3.7 Table 9.1-1)",
    Quirk.LATE_STORES: "the final C-MOVE response comes before the images, with all counters full",
    Quirk.WRONG_PATIENT: "the first image of every C-MOVE carries another Patient ID",
    Quirk.SLOW: "a pause before every image",
    Quirk.DROP_ONE: "the last image of every C-MOVE fails: B000 with a Failed SOP Instance UID List",
    Quirk.SUCCESS_WITHOUT_IMAGES: "a C-MOVE ends with success although nothing is sent",
    Quirk.NO_PENDING: "a C-MOVE has no pending responses (they are optional, PS3.4 C.4.2.3.1)",
    Quirk.NO_SOP_CLASS: "answers at IMAGE level do not tell the SOP Class UID",
}


def parse_quirks(names: Iterable[str]) -> frozenset[Quirk]:
    """The quirks of these names.

    Raises:
        UsageError: for an unknown name, with the nearest one.
    """
    known = {quirk.value: quirk for quirk in Quirk}
    quirks = set()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)
            raise UsageError(
                "There is no quirk {name}. Did you mean {nearest}? There are: {known}.",
                name=repr(name),
                nearest=near[0],
                known=", ".join(known),
            )
        quirks.add(known[name])
    return frozenset(quirks)
