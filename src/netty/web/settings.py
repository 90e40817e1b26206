"""The settings of the section [web]."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """[web].

    Attributes:
        allowed_hosts: names under which browsers may ask for the pages, beside the loopback names, `host` and the
            machine's own name; needed where a DNS name or a proxy's name is used.
        secure_cookie: ``auto`` marks the cookies Secure where the request came by https.
        refresh: how often the progress of the retrievals is read for the open pages, all of them together, in seconds.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    secure_cookie: bool | Literal["auto"] = "auto"
    refresh: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be 0 to 65535")
        if not self.refresh > 0:
            raise ValueError("refresh must be more than 0")

    def serves(self, host_name: str) -> bool:
        """Whether a request for `host_name` is meant for us.

        Another site's name that resolves to our address (DNS rebinding) is not. A bare IP address cannot be rebound;
        where we listen on all addresses, each of them will do.
        """
        name = host_name.lower().rstrip(".")
        own = {*_LOOPBACK, self.host.lower(), *machine_names(), *(each.lower() for each in self.allowed_hosts)}
        return name in own or (self.host in ("0.0.0.0", "::") and _is_address(name))


def machine_names() -> tuple[str, ...]:
    """What this machine calls itself: its name, and without the domain."""
    name = socket.gethostname().lower()
    return (name, name.split(".")[0], f"{name.split('.')[0]}.local")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
