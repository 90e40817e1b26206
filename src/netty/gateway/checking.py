"""`netty check`: settings, disk, ports, clock, database, each looked at whatever the others say."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from netty import native
from netty.config import Settings
from netty.config.problems import SettingsProblems
from netty.errors import LocalError, NettyError
from netty.gateway.desk import make_folders, open_desk
from netty.language import mark
from netty.model.deidentification_burned_in import BurnedIn
from netty.processes.listening import bind, folder_in_use
from netty.workflow.deidentify_masks import read_masks

_LITTLE_ROOM = 10 * 1024**3
_MEGABYTE = 1024**2

Result = tuple[str, bool, str, str]
"""What was checked, whether it is well, detail, advice."""


def check(settings: Settings) -> list[Result]:
    """All checks."""
    checks: dict[str, Callable[[Settings], str]] = {
        "settings": lambda settings: str(settings.file),
        "data folder": _data_folder,
        "disk space": _disk_space,
        "database": _database,
        "DICOM port": lambda settings: _port(settings, settings.ae.host, settings.ae.port, "DICOM"),
        "web port": lambda settings: _port(settings, settings.web.host, settings.web.port, "the pages"),
        "clock": _clock,
        "remotes": _remotes,
        "masks": _masks,
        "native parts": _native_parts,
    }
    return [_result(what, look, settings) for what, look in checks.items()]


def _result(what: str, look: Callable[[Settings], str], settings: Settings) -> Result:
    try:
        return what, True, look(settings), ""
    except NettyError as error:
        problems: tuple[NettyError, ...] = getattr(error, "problems", ())  # everything at once
        return what, False, "", " ".join(map(str, problems or (error,)))


def _data_folder(settings: Settings) -> str:
    make_folders(settings)
    return str(settings.data)


def _disk_space(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data if settings.data.exists() else settings.file.parent).free
    if free < max(_LITTLE_ROOM, settings.receive.minimum_free):
        raise LocalError(
            "Only {free} MB are free on the disk of {folder}. Make room: images are refused when it is full.",
            free=free // _MEGABYTE,
            folder=settings.data,
        )
    return mark("{free} MB are free.").format(free=free // _MEGABYTE)


def _database(settings: Settings) -> str:
    with open_desk(settings) as desk, desk.database.read():
        return mark("The database is up to date.")


def _port(settings: Settings, host: str, port: int, what: str) -> str:
    if folder_in_use(settings.data):
        return mark("netty is running on {host}:{port}.").format(host=host, port=port)
    bind(host, port, what).close()
    return mark("{host}:{port} is free.").format(host=host, port=port)


def _native_parts(settings: Settings) -> str:
    """Nothing depends on them but speed."""
    if native.compiled is None:
        return mark("They are not installed; netty does the same without them, more slowly.")
    return mark("They are installed.")


def _clock(settings: Settings) -> str:
    """Without a network there is nothing to compare with but our own traces: a clock that runs back shows there."""
    newest = max((path.stat().st_mtime for path in settings.data.glob("*")), default=0.0)
    if newest > time.time() + 60:
        raise LocalError(
            "The clock is behind: files in {folder} are from the future. Set the clock, and synchronise it by NTP.",
            folder=settings.data,
        )
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def _remotes(settings: Settings) -> str:
    with open_desk(settings) as desk:
        remotes = desk.remotes.list()
        if not remotes:
            raise LocalError("No remote is registered. Add one: netty remotes add NAME --title AE --host HOST --port N")
        return ", ".join(remote.name for remote in remotes)


def _masks(settings: Settings) -> str:
    """The file that says which regions of the pixels are blanked: its faults would come out with the first image."""
    keep = settings.keep
    wanted = keep.burned_in is BurnedIn.MASK
    if not keep.masks:
        if wanted:
            raise LocalError(
                "[keep] burned_in is mask, but masks names no file: every image that may show the patient is held. "
                "Write the regions into a file and name it."
            )
        return mark("No masks are used.")
    file = settings.file.parent / Path(keep.masks).expanduser()
    masks, faults = read_masks(file)
    if faults:
        raise SettingsProblems(tuple(faults))
    if not wanted:
        return mark("{count} masks, not used: [keep] burned_in is not mask.").format(count=len(masks))
    return mark("{count} masks are sound.").format(count=len(masks))
