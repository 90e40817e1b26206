"""The site's key: what makes the same other UID of a UID in every process, after every restart, on every node."""

import os
import secrets
from pathlib import Path
from typing import Final

from netty.errors import LocalError
from netty.model.deidentification_values import KEY_SIZE

KEY_FILE: Final = "deidentification.key"


def site_key(folder: Path) -> bytes:
    """The key in the data folder; made once, readable by netty's user only. Nodes without a common folder get copies.

    Raises:
        LocalError: where it cannot be read or made, or is none.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise LocalError("{file}: {detail}.", file=path, detail=error.strerror or error) from error
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise LocalError(
            "{file} holds no key for de-identification. Put the key of the site there, from a backup or another node.",
            file=path,
        )
    return key


def _make(path: Path) -> None:
    """Write the key beside its place and link it there: of two processes that do so at once, one wins for both."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_SIZE) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)
