"""Where the parts are put together: the only room that knows them all.

The functions here load what they start when they are called, so that a command pays only for what it uses.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netty.config import Settings
    from netty.gateway.demo import Console
    from netty.gateway.desk import Desk
    from netty.processes.clerk import CarryOut

__all__ = ["check", "demo", "initialise", "open_desk", "render_child", "serve", "simulate"]


def open_desk(settings: "Settings") -> "AbstractContextManager[Desk]":
    """The parts that read and write rows and files, opened for one process."""
    from netty.gateway.desk import open_desk as run

    return run(settings)


def initialise(settings: "Settings") -> None:
    """Make the data folder and the database, or bring the database up to date."""
    from netty.gateway.desk import initialise as run

    run(settings)


def serve(settings: "Settings", role: str, load_commands: Callable[[], None], carry_out: "CarryOut") -> int:
    """Run netty until it is told to stop; terminals hand commands over, which are loaded once and carried out."""
    from netty.gateway.serving import serve as run

    return run(settings, role, load_commands, carry_out)


def render_child() -> int:
    """Run one render child of `serve`. It is never given the settings."""
    from netty.gateway.render_child import run

    return run()


def demo(exit_when_done: bool, port: int, console: "Console") -> int:
    """Show netty with two simulated hospitals."""
    from netty.gateway.demo import demo as run

    return run(exit_when_done, port, console)


def simulate(
    folder: Path, title: str, port: int, destinations: Mapping[str, tuple[str, int]], quirks: Sequence[str]
) -> int:
    """Run a simulated hospital until it is told to stop."""
    from netty.gateway.simulating import simulate as run

    return run(folder, title, port, destinations, quirks)


def check(settings: "Settings") -> list[tuple[str, bool, str, str]]:
    """What, whether it is well, detail, advice: settings, disk, ports, clock, database."""
    from netty.gateway.checking import check as run

    return run(settings)
