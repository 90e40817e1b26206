"""The difference: found minus held, per study and per instance (statement 4.2.6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from netty.model import reasons
from netty.model.found import FoundInstance, FoundStudy


class StudyState(StrEnum):
    """How much of what a remote lists of a study is here."""

    HELD = "held"
    PARTIAL = "partial"
    MISSING = "missing"


class Action(StrEnum):
    """What would be done about a study."""

    FETCH = "fetch"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Unobtainable:
    """An instance that the remote lists and that cannot be had, and why; final, hence not asked for again."""

    instance: FoundInstance
    reason: str


@dataclass(frozen=True, slots=True)
class StudyDifference:
    """One found study against what is held: every listed instance is in exactly one of the three lists."""

    study: FoundStudy
    held: tuple[FoundInstance, ...]
    missing: tuple[FoundInstance, ...]
    unobtainable: tuple[Unobtainable, ...]

    @property
    def state(self) -> StudyState:
        """Held means: nothing is left that could be fetched."""
        if not self.missing:
            return StudyState.HELD if self.held or not self.unobtainable else StudyState.MISSING
        return StudyState.PARTIAL if self.held else StudyState.MISSING

    @property
    def action(self) -> Action:
        """A study is fetched when something obtainable is missing."""
        return Action.FETCH if self.missing else Action.SKIP

    @property
    def reason(self) -> str:
        """Why it would be fetched or not, in words."""
        listed = self.study.instance_count
        if listed == 0:
            return "The remote lists no image in this study."
        if self.missing:
            return f"{len(self.missing)} of {listed} images are missing here."
        if self.unobtainable:
            return f"{len(self.held)} of {listed} images are held; {len(self.unobtainable)} cannot be obtained."
        return f"All {listed} images are held."


CLASS_NOT_ACCEPTED = "netty does not accept this SOP class ({sop_class_uid})."


def why_unobtainable(
    instance: FoundInstance, known: Mapping[str, str], accepted_classes: Collection[str]
) -> str | None:
    """Why an instance cannot be had, None where it can: an earlier final answer, or a class that we do not accept.

    A remote that names no SOP class gets the benefit of the doubt: only the transfer itself will tell.
    """
    if instance.sop_instance_uid in known:
        return known[instance.sop_instance_uid]
    if instance.sop_class_uid and instance.sop_class_uid not in accepted_classes:
        return reasons.CLASS_NOT_ACCEPTED.format(sop_class_uid=instance.sop_class_uid)
    return None


def difference(
    study: FoundStudy,
    held: Collection[str],
    unobtainable: Mapping[str, str],
    accepted_classes: Collection[str],
) -> StudyDifference:
    """Sort a found study's instances into held, missing and unobtainable.

    Args:
        study: as the remote lists it.
        held: SOP Instance UIDs that the archive can read back.
        unobtainable: SOP Instance UID to reason, for this remote.
        accepted_classes: the SOP classes that our Storage SCP accepts.
    """
    here: list[FoundInstance] = []
    missing: list[FoundInstance] = []
    never: list[Unobtainable] = []
    for instance in study.instances:
        if instance.sop_instance_uid in held:
            here.append(instance)
        elif reason := why_unobtainable(instance, unobtainable, accepted_classes):
            never.append(Unobtainable(instance, reason))
        else:
            missing.append(instance)
    return StudyDifference(study, tuple(here), tuple(missing), tuple(never))


def studies_to_fetch(differences: Iterable[StudyDifference]) -> list[StudyDifference]:
    """The studies that a C-MOVE should ask for."""
    return [one for one in differences if one.action is Action.FETCH]
