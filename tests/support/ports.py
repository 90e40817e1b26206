"""Ports for tests: nothing is fixed, so that tests run beside each other."""

import socket


def free_port() -> int:
    """A port of the loopback on which nothing listens now; where one can listen on port 0, that is better."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
