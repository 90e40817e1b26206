"""Who may call us: the registered remotes, by AE title and address together (statement 7.1)."""

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable

from netty.errors import NettyError
from netty.model.remote import KnownCaller, Remote, identify_caller

log = logging.getLogger(__name__)

_RELOAD_AT_MOST_SECONDS = 0.2
_RESOLVE_AGAIN_SECONDS = 60.0


class CallerBook:
    """The registered callers. A caller that is not in it makes it look again, so that a new remote may call at once.

    Host names are resolved beside the event loop, and again every minute; until then only IP addresses count.
    """

    def __init__(self, load: Callable[[], list[Remote]]) -> None:
        self._load = load
        self._callers: list[KnownCaller] = []
        self._resolved: dict[str, frozenset[str]] = {}
        self._loaded_at = -_RELOAD_AT_MOST_SECONDS
        self._stopping = threading.Event()
        self._resolve_now = threading.Event()
        self._resolver = threading.Thread(target=self._keep_resolving, name="resolver", daemon=True)

    def start(self) -> None:
        """Read the remotes, resolve their names once, and keep them resolved."""
        self._resolve()
        self._reload()
        self._resolver.start()

    def stop(self) -> None:
        """Resolve no more."""
        self._stopping.set()
        self._resolve_now.set()

    def known(self, calling_ae_title: str, address: str) -> tuple[str, ...]:
        """The names of the remotes that title and address together name."""
        names = identify_caller(self._callers, calling_ae_title, address)
        if not names and self._reload():
            names = identify_caller(self._callers, calling_ae_title, address)
        return names

    def known_address(self, address: str) -> bool:
        """Whether any remote calls from this address."""
        if any(address in caller.addresses for caller in self._callers):
            return True
        return self._reload() and any(address in caller.addresses for caller in self._callers)

    def _reload(self) -> bool:
        """Read the remotes anew, but not for every one of a flood of strangers; whether it was done."""
        if time.monotonic() - self._loaded_at < _RELOAD_AT_MOST_SECONDS:
            return False
        self._loaded_at = time.monotonic()
        try:
            self._callers = [self._caller(remote) for remote in self._load()]
        except NettyError as error:
            log.error("callers: %s", error)
            return False
        return True

    def _caller(self, remote: Remote) -> KnownCaller:
        addresses: set[str] = set()
        for name in remote.calling_addresses:
            if _is_address(name):
                addresses.add(name)
            elif name in self._resolved:
                addresses |= self._resolved[name]
            else:
                self._resolve_now.set()
        return KnownCaller(remote.name, frozenset(remote.calling_titles), frozenset(addresses))

    def _keep_resolving(self) -> None:
        while not self._stopping.is_set():
            self._resolve_now.wait(_RESOLVE_AGAIN_SECONDS)
            self._resolve_now.clear()
            if not self._stopping.is_set():
                self._resolve()
                self._reload()

    def _resolve(self) -> None:
        try:
            names = {name for remote in self._load() for name in remote.calling_addresses if not _is_address(name)}
        except NettyError as error:
            log.error("callers: %s", error)
            return
        self._resolved = {name: found for name in names if (found := _lookup(name) or self._resolved.get(name))}


def _lookup(name: str) -> frozenset[str]:
    """The IP addresses of a host name, none where it cannot be resolved just now."""
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError as error:
        log.warning("callers: %s cannot be resolved (%s)", name, error)
        return frozenset()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
