"""The compiled twins of a few loops, where they are installed (docs/adr/0024-native-twins.md).

Each stands beside its Python twin, which is the rule; a module takes the compiled one where `compiled` is not None.
"""

from types import ModuleType
from typing import Final

INTERFACE: Final = 7
"""Which arguments and results both sides mean. Twins of another netty are left alone."""


def _installed() -> ModuleType | None:
    try:
        import netty_native
    except ImportError:
        return None
    return netty_native if netty_native.INTERFACE == INTERFACE else None


compiled: Final = _installed()
