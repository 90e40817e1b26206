"""``python -m support.guided_fuzzing TARGET``: inputs that a fuzzer which sees the code makes ever new (atheris).

What hypothesis thinks of follows from the grammar that the tests give it; this fuzzer keeps each input that reaches a
new place of the code, and changes that one further. It begins with the corpus of the tests; what it kept lies in a
folder that the next run begins with too. The last line of its output says how many inputs it tried.
"""

import argparse
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import atheris

from support.fuzzing import CORPUS

sys.modules["netty_native"] = None  # type: ignore[assignment]  # it sees the code of the Python twins alone

with atheris.instrument_imports(include=["netty.ul", "netty.dimse", "netty.dicom"]):
    from netty.dicom import tags
    from netty.dicom.facts import WANTED
    from netty.dicom.iod import IOD_VALUES
    from support.fuzz_checks import check_command, check_connection, check_data_set, check_pdu

LONGEST: Final = 4096
SECONDS_FOR_ONE: Final = 10


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed, the folder of the corpus that it begins with, and words of its language."""

    seeds: str
    check: Callable[[bytes], None]
    words: tuple[bytes, ...] = ()


def _tags() -> tuple[bytes, ...]:
    """As they stand in a data set: nobody guesses the halves of a tag from the number that they are compared as."""
    known = WANTED | IOD_VALUES | {tags.ITEM, tags.ITEM_DELIMITATION, tags.SEQUENCE_DELIMITATION, tags.PIXEL_DATA}
    return tuple(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in sorted(known))


def _cuts(data: bytes) -> list[int]:
    """Places to cut at, which follow from the bytes: an input that was a finding is one again."""
    number = zlib.crc32(data)
    return [number & 0xFF, number >> 8 & 0x3FF, number >> 18]


def _codec(data: bytes) -> None:
    check_pdu(data)
    check_connection(data, _cuts(data))


def _walk(data: bytes) -> None:
    for explicit in (False, True):
        check_data_set(data, explicit, _cuts(data), 1 + zlib.crc32(data) % 9)


TARGETS: Final = {
    "codec": Target("association", _codec),
    "command": Target("command", check_command),
    "walk": Target("data_set", _walk, _tags()),
}


def _dictionary(words: tuple[bytes, ...], file: Path) -> list[str]:
    """The option that names them to the fuzzer, which refuses a file without any."""
    if not words:
        return []
    file.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words))
    return [f"-dict={file}"]


def main() -> None:
    """Read the options, fuzz until the time is over (exit 0) or something is found (another exit code)."""
    parser = argparse.ArgumentParser(prog="python -m support.guided_fuzzing", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path(".setup/fuzz"), help="for what it keeps and finds")
    given = parser.parse_args()
    target = TARGETS[given.target]
    kept = given.folder / given.target
    kept.mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0],
            str(kept),
            str(CORPUS / target.seeds),
            f"-max_total_time={given.seconds}",
            *_dictionary(target.words, given.folder / f"{given.target}.words"),
            f"-max_len={LONGEST}",
            f"-timeout={SECONDS_FOR_ONE}",
            f"-artifact_prefix={given.folder}/{given.target}-",
            "-print_final_stats=1",
        ],
        target.check,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
