"""The smallest repair: at which level a C-MOVE asks for what a study still lacks (PS3.4 C.4.2.2.1).

The statement retrieves by study only (table 3), and so does netty by default. Where the settings allow more, a study of
which most is here is not sent whole again for one image.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from netty.model.remote import RetrieveLevel
from netty.model.retrieval import LedgerEntry, LedgerState

_MOST_IMAGES_OF_A_SERIES = 64  # beyond this a list of UIDs saves little, and some remotes limit its length


@dataclass(frozen=True, slots=True)
class MoveScope:
    """What one C-MOVE of a study asks for: all of it, one series of it, or some images of one series."""

    series_instance_uid: str = ""
    sop_instance_uids: tuple[str, ...] = ()

    @property
    def level(self) -> RetrieveLevel:
        """The Query/Retrieve Level (0008,0052) that this is."""
        if not self.series_instance_uid:
            return RetrieveLevel.STUDY
        return RetrieveLevel.IMAGE if self.sop_instance_uids else RetrieveLevel.SERIES


WHOLE_STUDY = MoveScope()


def smallest_moves(
    ledger: Iterable[LedgerEntry], held: Collection[str], levels: Collection[RetrieveLevel]
) -> list[MoveScope]:
    """The C-MOVEs that bring what lacks.

    Args:
        ledger: what the retrieval expects; only what has not arrived counts.
        held: the SOP Instance UIDs of the study that are here; where there are none, the whole study is asked for.
        levels: at which levels the remote may be asked.
    """
    lacking: dict[str, list[str]] = {}
    for entry in ledger:
        if entry.state is LedgerState.EXPECTED:
            lacking.setdefault(entry.series_instance_uid, []).append(entry.sop_instance_uid)
    if not held or not lacking.keys() - {""} or "" in lacking:
        return [WHOLE_STUDY]
    moves = [_of_series(series, images, levels) for series, images in lacking.items()]
    return [WHOLE_STUDY] if WHOLE_STUDY in moves else moves


def _of_series(series: str, images: list[str], levels: Collection[RetrieveLevel]) -> MoveScope:
    if RetrieveLevel.IMAGE in levels and len(images) <= _MOST_IMAGES_OF_A_SERIES:
        return MoveScope(series, tuple(images))
    return MoveScope(series) if RetrieveLevel.SERIES in levels else WHOLE_STUDY
