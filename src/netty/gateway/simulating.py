"""`netty simulate`: one simulated hospital, until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from netty.errors import LocalError
from netty.gateway.logs import configure_logging
from netty.network.loop import run_to_end
from netty.simulator.hospital import Destination, Hospital, running
from netty.simulator.quirks import parse_quirks


def simulate(
    folder: Path, title: str, port: int, destinations: Mapping[str, tuple[str, int]], quirks: Sequence[str]
) -> int:
    """Serve the DICOM files of a folder; broken ones are named in the log and left out.

    Raises:
        LocalError: where no file can be served, or the port is in use.
    """
    configure_logging("simulator")
    known = [Destination(name, host, number) for name, (host, number) in destinations.items()]
    hospital = Hospital(title, folder, port, known, parse_quirks(quirks))
    if not hospital.instances:
        raise LocalError("There is no DICOM file in {folder} that can be served.", folder=folder)
    try:
        run_to_end(_serve(hospital))
    except OSError as error:
        raise LocalError(
            "The port {port} is in use or not allowed ({error}). Choose another one.", port=port, error=error.strerror
        ) from error
    return 0


async def _serve(hospital: Hospital) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with running(hospital):
        print(  # noqa: T201 - for people and scripts that wait for it
            f"{hospital.title} is ready: {len(hospital.instances)} images on port {hospital.port}",
            file=sys.stderr,
            flush=True,
        )
        await stopped.wait()
