"""Commands that run until they are stopped: ``serve``, ``demo``, ``simulate``, and the supervisor's children."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Command
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.words import say
from netty.errors import UsageError

if TYPE_CHECKING:
    from netty.gateway.demo import DemoRow

_ROLES = ("all", "receive", "work", "web")
_PORT = click.IntRange(0, 65535)


@click.command(cls=Command)
@click.option("--role", type=click.Choice(_ROLES), default="all", help=say("what this node does"))
@pass_invocation
def serve(invocation: Invocation, role: str) -> int | None:
    """Until SIGTERM or Ctrl-C."""
    from netty import gateway
    from netty.cli.main import carry_out, load_commands

    return gateway.serve(invocation.settings(), role, load_commands, carry_out)


@click.command(cls=Command)
@click.option("--exit", "exit_when_done", is_flag=True, help=say("end when everything is fetched; 0 if all arrived"))
@click.option("--port", type=_PORT, default=0, help=say("the port of the pages; without it any free one"))
@pass_invocation
def demo(invocation: Invocation, exit_when_done: bool, port: int) -> int | None:
    """Two simulated hospitals and netty, in a folder of its own."""
    from netty import gateway

    return gateway.demo(exit_when_done, port, _DemoConsole(invocation.json))


class _DemoConsole:
    """What the demo says, in the reader's language."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def note(self, text: str, /, **values: object) -> None:
        note(say(text, **values))

    def address(self, address: str, user: str, password: str) -> None:
        # The password is made for this demo and gone with it.
        note(
            say(
                "Open {address} and log in as {user}, password {password}",
                address=address,
                user=user,
                password=password,
            )
        )

    def result(self, rows: "Sequence[DemoRow]") -> None:
        whole = all(row.whole for row in rows)
        if self._json:
            write_json({"ok": whole, "rows": [dataclasses.asdict(row) for row in rows]})
            return
        headings = ("patient", "hospital", "studies", "images there", "fetched", "with picture")
        cells = [(row.patient, row.hospital, row.studies, row.listed, row.fetched, row.rendered) for row in rows]
        write_table(tuple(say(heading) for heading in headings), cells)
        fetched, listed = sum(row.fetched for row in rows), sum(row.listed for row in rows)
        write(say("{fetched} of {listed} images were fetched.", fetched=fetched, listed=listed))


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--title", required=True, help=say("the AE title of the hospital"))
@click.option("--port", type=_PORT, required=True, help=say("its DICOM port"))
@click.option(
    "--destination",
    "destinations",
    metavar="AET=HOST:PORT",
    multiple=True,
    callback=lambda _context, _parameter, values: dict(map(_destination, values)),
    help=say("where it sends images to, by AE title; may be given several times"),
)
@click.option("--quirk", "quirks", metavar="NAME", multiple=True, help=say("a way in which it misbehaves"))
def simulate(
    folder: Path, title: str, port: int, destinations: dict[str, tuple[str, int]], quirks: tuple[str, ...]
) -> int | None:
    """Until Ctrl-C."""
    from netty import gateway

    return gateway.simulate(folder, title, port, destinations, quirks)


@click.command(cls=click.Command, hidden=True)
@click.argument("role", type=click.Choice(["render"]))
def child(role: str) -> int | None:
    """A render child of the service's."""
    from netty import gateway

    return gateway.render_child()


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    """``NETTY=127.0.0.1:11112`` as AE title and address; an IPv6 address stands in brackets."""
    title, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not (title and host and port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise UsageError("{text} is not of the form AET=HOST:PORT.", text=repr(text))
    return title, (host.strip("[]"), int(port))
