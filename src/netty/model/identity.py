"""Patient IDs: which may be searched for, and when two are the same (PS3.5 6.2 LO, PS3.4 C.2.2.2.4)."""

from netty.errors import UsageError

_MAXIMUM_LENGTH = 64  # PS3.5 6.2, LO
_MATCHES_MANY = "*?\\"  # wild cards cannot be escaped in LO, and a backslash separates values


def trimmed(value: str) -> str:
    """The significant part of an LO value: padding may stand before and behind (PS3.5 6.2)."""
    return value.strip(" \0")


def same_patient_id(one: str, other: str) -> bool:
    """Whether two Patient IDs name one person at one facility. Leading zeros count: 12345 is not 0012345."""
    return trimmed(one) == trimmed(other)


def searchable_patient_id(value: str) -> str:
    """`value`, trimmed, if a search for it can find one patient only.

    An empty value matches every patient of the remote, and so may a wild card; neither is ever sent.

    Raises:
        UsageError: naming what is wrong with the value.
    """
    patient_id = trimmed(value)
    if not patient_id:
        raise UsageError("The patient ID is empty. An empty ID would match every patient; give the exact ID.")
    wild = sorted(set(_MATCHES_MANY) & set(patient_id))
    if wild:
        raise UsageError(
            "The patient ID {patient_id} contains {characters}, which matches other patients too. Give the exact ID.",
            patient_id=repr(patient_id),
            characters=" ".join(wild),
        )
    if len(patient_id) > _MAXIMUM_LENGTH:
        raise UsageError(
            "The patient ID has {length} characters; DICOM allows {maximum}.",
            length=len(patient_id),
            maximum=_MAXIMUM_LENGTH,
        )
    if not patient_id.isprintable():
        raise UsageError("The patient ID {patient_id} contains control characters.", patient_id=repr(patient_id))
    return patient_id
