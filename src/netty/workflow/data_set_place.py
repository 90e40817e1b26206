"""Where in a DICOM file its data set lies."""

from pathlib import Path

from netty.dicom.part10 import HEAD_SIZE, split_part10


def locate_data_set(path: Path) -> tuple[int, str]:
    """Offset of the data set and transfer syntax of a DICOM file."""
    with path.open("rb") as file:
        head = split_part10(file.read(HEAD_SIZE))
    return head.data_set_offset, head.transfer_syntax
