"""The standard's dictionary of attributes and UIDs (PS3.6), through pydicom."""

from functools import lru_cache

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR


@lru_cache(maxsize=8192)
def standard_representation(tag: int) -> str:
    """The VR that the standard gives an attribute, like ``US or SS``; empty where it knows none of that tag."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def is_registered_uid(uid: str) -> bool:
    """Whether the standard itself has given this UID: then it names a thing of the standard, and no instance."""
    return uid in UID_dictionary
