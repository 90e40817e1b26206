"""One call of ``netty``: what the options for all commands say, and the doors to the settings and the parts."""

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netty.errors import LocalError

if TYPE_CHECKING:  # heavy; loaded by the commands that need them
    from netty.config import Settings
    from netty.gateway.desk import Desk
    from netty.model.remote import Remote

T = TypeVar("T")


@dataclass(slots=True)
class Invocation:
    """The options that every command has, before or behind its name."""

    config: Path | None = None
    json: bool = False
    debug: bool = False

    def settings(self) -> "Settings":
        """The settings of this call."""
        from netty.config import load_settings

        return load_settings(self.config)

    @contextmanager
    def desk(self) -> "Iterator[Desk]":
        """The parts, opened on the settings' database and folders."""
        from netty.gateway import open_desk

        settings = self.settings()
        with open_desk(settings) as desk:
            _take_over(desk, settings.remotes)
            yield desk


def _take_over(desk: "Desk", given: "tuple[Remote, ...]") -> None:
    """Let a remote that was written into the settings file, or out of it, be known without a restart."""
    known = {replace(remote, paused=False) for remote in desk.remotes.list() if remote.managed}
    if known != set(given):
        desk.remotes.replace_managed(given)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end: the edge between the commands and asyncio."""
    from netty.network.loop import run_to_end  # here, since the help has to come at once

    return run_to_end(work)


def need_service(desk: "Desk") -> None:
    """Raise LocalError where no service would do what is asked for."""
    if not desk.service_running():
        raise LocalError("netty is not running here, so nothing would be fetched. Start it with: netty serve")
