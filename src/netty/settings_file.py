"""Which settings file a call is about: found here, not read, for who hands a command over has no time for more."""

import os
from collections.abc import Mapping
from typing import Final

FILE_NAME: Final = "netty.toml"
_VARIABLE: Final = "NETTY_CONFIG"


def named(given: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> str | None:
    """The file of the option, or of NETTY_CONFIG; None where neither names one."""
    return os.fspath(given) if given is not None else environment.get(_VARIABLE) or None


def candidates(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where one may be that nobody named, the first that exists counts: here, the user's, the system's."""
    user = environment.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")  # noqa: PTH111, PTH118
    folders = (os.getcwd(), os.path.join(user, "netty"), "/etc/netty")  # noqa: PTH109, PTH118 - pathlib takes too long
    return tuple(f"{folder}/{FILE_NAME}" for folder in folders)
