"""The standard's dictionary of attributes and UIDs (PS3.6), through pydicom: loaded when something is looked up."""

from functools import lru_cache


@lru_cache(maxsize=8192)
def standard_representation(tag: int) -> str:
    """The VR that the standard gives an attribute, like ``US or SS``; empty where it knows none of that tag."""
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


@lru_cache(maxsize=8192)
def is_registered_uid(uid: str) -> bool:
    """Whether the standard itself has given this UID: then it names a thing of the standard, and no instance."""
    from pydicom._uid_dict import UID_dictionary

    return uid in UID_dictionary
