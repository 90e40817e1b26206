"""What is not in Implicit VR Little Endian is sent in it, element by element the same (PS3.5 Annex A)."""

import io
import warnings
from array import array
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from netty.dicom import tags
from netty.dicom.part10 import HEAD_SIZE, NotPart10, split_part10
from netty.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from netty.simulator.index import read_instance
from netty.simulator.sender import proposed_contexts
from netty.simulator.transcode import NATIVE, TranscodeError, to_implicit

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
OTHERS = Path(__file__).parents[3] / "shared" / "data" / "dicom"
AMBIGUOUS = {0x00283002, 0x00283006}  # LUT Descriptor and Data: US, SS or OW, by the rest of the data set
BROKEN = {"MR_truncated.dcm", "rtplan_truncated.dcm"}


def native_files() -> Iterator[Path]:
    for folder in (BUNDLED, OTHERS):
        for path in sorted(folder.rglob("*.dcm")):
            try:
                with path.open("rb") as file:
                    head = split_part10(file.read(HEAD_SIZE))
            except NotPart10:
                continue
            if head.transfer_syntax in NATIVE and path.name not in BROKEN:
                yield path


def flattened(data_set: Dataset, big_endian: bool = False) -> dict[int, object]:
    """Public tags and values of all levels, as they are in Little Endian."""
    flat: dict[int, object] = {}
    for element in data_set:
        if element.tag.is_private or element.VR == "UN" or element.tag in AMBIGUOUS:
            continue
        value = element.value
        if element.VR == "SQ":
            flat[int(element.tag)] = [flattened(item, big_endian) for item in value]
            continue
        if element.VR == "OW" and big_endian:  # pydicom leaves it as it stands in the file
            words = array("H", value)
            words.byteswap()
            value = words.tobytes()
        flat[int(element.tag)] = value if isinstance(value, bytes) else str("" if value is None else value)
    return flat


@pytest.mark.parametrize("path", list(native_files()), ids=lambda path: path.name)
def test_every_value_stays_what_it_is(path: Path) -> None:
    content = path.read_bytes()
    head = split_part10(content)

    parts = to_implicit(memoryview(content)[head.data_set_offset :], head.transfer_syntax)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = flattened(dcmread(path), head.transfer_syntax == EXPLICIT_VR_BIG_ENDIAN)
        sent = flattened(read_dataset(io.BytesIO(b"".join(parts)), is_implicit_VR=True, is_little_endian=True))
    assert {tag: sent.get(tag) for tag in original} == original


def test_values_are_replaced_at_the_top_level_only() -> None:
    data = b"\x10\x00\x20\x00\x02\x00\x00\x00P1" + b"\x10\x00\x30\x00\x00\x00\x00\x00"

    parts = to_implicit(data, IMPLICIT_VR_LITTLE_ENDIAN, {tags.PATIENT_ID: b"OTHER"})

    assert b"".join(parts) == b"\x10\x00\x20\x00\x06\x00\x00\x00OTHER \x10\x00\x30\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("data", [b"\x10\x00\x20", b"\x10\x00\x20\x00\x04\x00\x00\x00P1"])
def test_a_data_set_that_is_cut_off_is_an_error(data: bytes) -> None:
    with pytest.raises(TranscodeError):
        to_implicit(data, IMPLICIT_VR_LITTLE_ENDIAN)


def test_what_is_compressed_is_offered_as_it_is() -> None:
    native = read_instance(BUNDLED / "CT_small.dcm")
    compressed = read_instance(BUNDLED / "MR_small_RLE.dcm")

    contexts = proposed_contexts([native, compressed, native])

    assert [(each.context_id, each.transfer_syntaxes) for each in contexts] == [
        (1, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        (3, ("1.2.840.10008.1.2.5",)),
    ]
