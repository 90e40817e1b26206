"""What searching costs at the least: a socket for each query, questions made beforehand, answers not taken apart."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from bench.search_data import Listed, Size, listed
from netty.dicom import tags
from netty.dicom.elements import encode_identifier
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND
from netty.dimse.codec import encode_command
from netty.dimse.command import FindRequest
from netty.network.query_scu import IMAGE_KEYS, SERIES_KEYS, STUDY_KEYS
from netty.ul.codec import encode_associate_request, encode_data_header, encode_release_request
from netty.ul.pdu import AssociateRequest, ProposedContext, UserInformation

Query = Mapping[int, str]
_CONTEXT_ID = 1
_FINAL = bytes.fromhex("00000009020000000000")  # Status (0000,0900): success
_INSTANCE = re.compile(rb"\x08\x00\x18\x00..\0\0([0-9.]+)", re.DOTALL)  # SOP Instance UID in Implicit VR


@dataclass(frozen=True, slots=True)
class Questions:
    """The queries for one patient, as the bytes of a C-FIND-RQ each."""

    patient_id: str
    messages: tuple[bytes, ...]


def questions(size: Size) -> list[Questions]:
    """What a search asks for each patient: the patient, each study, each series."""
    by_patient: dict[str, dict[tuple[int, str], Query]] = {}
    for one in listed(size):
        known = by_patient.setdefault(one.patient_id, {(0, ""): _study_query(one)})
        known.setdefault((1, one.study_instance_uid), _series_query(one))
        known.setdefault((2, one.series_instance_uid), _image_query(one))
    return [
        Questions(patient_id, tuple(_message(identifier) for identifier in known.values()))
        for patient_id, known in by_patient.items()
    ]


def _study_query(one: Listed) -> Query:
    return {**dict.fromkeys(STUDY_KEYS, ""), tags.QUERY_RETRIEVE_LEVEL: "STUDY", tags.PATIENT_ID: one.patient_id}


def _series_query(one: Listed) -> Query:
    keys = {tags.QUERY_RETRIEVE_LEVEL: "SERIES", tags.STUDY_INSTANCE_UID: one.study_instance_uid}
    return dict.fromkeys(SERIES_KEYS, "") | keys


def _image_query(one: Listed) -> Query:
    return dict.fromkeys(IMAGE_KEYS, "") | {
        tags.QUERY_RETRIEVE_LEVEL: "IMAGE",
        tags.STUDY_INSTANCE_UID: one.study_instance_uid,
        tags.SERIES_INSTANCE_UID: one.series_instance_uid,
    }


def _message(identifier: Query) -> bytes:
    command, data_set = encode_command(FindRequest(message_id=1)), encode_identifier(identifier)
    return b"".join(
        (
            encode_data_header(_CONTEXT_ID, True, True, len(command)),
            command,
            encode_data_header(_CONTEXT_ID, False, True, len(data_set)),
            data_set,
        )
    )


def ask_all(title: str, port: int, patients: list[Questions]) -> dict[str, list[str]]:
    """The SOP Instance UIDs of each patient."""
    contexts = (ProposedContext(_CONTEXT_ID, STUDY_ROOT_FIND, (IMPLICIT_VR_LITTLE_ENDIAN,)),)
    request = encode_associate_request(
        AssociateRequest(title, "HAPPY_netty", contexts, UserInformation(16384, "2.25.1", "NETTY_BENCH"))
    )
    return {
        one.patient_id: [
            uid.decode() for message in one.messages for uid in _INSTANCE.findall(_ask(port, request, message))
        ]
        for one in patients
    }


def _ask(port: int, request: bytes, message: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 60) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(request)
        if peer.recv(65536)[:1] != b"\x02":
            raise ConnectionError("no association")
        peer.sendall(message)
        answers = b""
        while _FINAL not in answers[-200:]:
            more = peer.recv(1 << 18)
            if not more:
                raise ConnectionError("the answers end early")
            answers += more
        peer.sendall(encode_release_request())
        peer.recv(65536)
        return answers
