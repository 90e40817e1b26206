"""Ports for tests: nothing is fixed, so that tests run beside each other."""

import random
import socket

_BELOW_THE_SYSTEMS = range(15_000, 32_000)  # whoever connects, or listens on port 0, gets one from 32768 on
_random = random.SystemRandom()
_given: set[int] = set()
"""Those that nobody may listen on yet."""


def free_port() -> int:
    """A port of the loopback on which nothing listens now; where one can listen on port 0, that is better."""
    while True:
        port = _random.choice(_BELOW_THE_SYSTEMS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
