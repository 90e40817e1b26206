"""``netty status``: what netty is doing now."""

import shutil
import sys
import time
from typing import Any

import click

from netty import __version__
from netty.cli.commands import Command
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import say
from netty.model.retrieval import RetrievalState

_UNFINISHED = tuple(state for state in RetrievalState if not state.final)
_PAUSE_SECONDS = 2.0
_GIB = 1 << 30


@click.command(cls=Command)
@click.option("--watch", is_flag=True, help=say("again every two seconds, until Ctrl-C"))
@pass_invocation
def status(invocation: Invocation, watch: bool) -> None:
    """One look, or many."""
    while True:
        document = _look(invocation)
        if watch and sys.stdout.isatty() and not invocation.json:
            click.clear()
        _tell(invocation, document)
        if not watch:
            return
        time.sleep(_PAUSE_SECONDS)


def _look(invocation: Invocation) -> dict[str, Any]:
    with invocation.desk() as desk:
        data = desk.settings.data
        unfinished = desk.retrievals.list(_UNFINISHED, limit=10_000)
        counts = desk.retrievals.counts([retrieval.id for retrieval in unfinished]).values()
        return {
            "version": __version__,
            "running": desk.service_running(),
            "retrievals": {
                state.value: sum(retrieval.state is state for retrieval in unfinished) for state in _UNFINISHED
            },
            "images": {
                "expected": sum(count.expected for count in counts),
                "received": sum(count.received for count in counts),
                "rendered": sum(count.rendered for count in counts),
            },
            "remotes": [
                {
                    "name": remote.name,
                    "paused": remote.paused,
                    "unfinished": sum(retrieval.remote == remote.name for retrieval in unfinished),
                }
                for remote in desk.remotes.list()
            ],
            "data": {"folder": str(data), "free_bytes": shutil.disk_usage(data).free},
        }


def _tell(invocation: Invocation, document: dict[str, Any]) -> None:
    if invocation.json:
        write_json(document)
        return
    write(say("netty {version} is running.", **document) if document["running"] else say("netty is not running."))
    free = document["data"]["free_bytes"] / _GIB
    write(say("{folder}: {free} GiB free", folder=document["data"]["folder"], free=f"{free:.1f}"))
    write(say("Images of the unfinished retrievals: {received} of {expected} received.", **document["images"]))
    write_table(
        (say("state"), say("retrievals")), [(term(name), number) for name, number in document["retrievals"].items()]
    )
    write("")
    words = {True: say("paused"), False: say("on")}
    rows = [(each["name"], words[each["paused"]], each["unfinished"]) for each in document["remotes"]]
    write_table((say("remote"), say("automatic work"), say("unfinished")), rows)
