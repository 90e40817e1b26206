"""C-FIND as SCU: what is asked, and which answers count (PS3.4 C.4.1, C.6.2.1; statement table 3)."""

import logging

import pytest

from netty.dicom import tags
from netty.dicom.elements import encode_identifier
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND
from netty.dimse.codec import encode_command
from netty.dimse.command import FindResponse
from netty.errors import UsageError
from netty.model.found import FoundInstance, FoundSeries, FoundStudy
from netty.network.errors import DimseFailure
from netty.network.query_scu import find_instances, find_series, find_studies
from netty.ul import codec
from netty.ul.pdu import AcceptedContext, AssociateAccept
from support.association import CALLER, QUICK, RawPeer, raw_acceptor, serving
from support.scripted import Scripted, found

STUDY = {tags.STUDY_INSTANCE_UID: "1.2.3", tags.PATIENT_ID: "P1"}


async def test_a_study_search_asks_for_the_patient_and_nothing_else() -> None:
    script = found()
    async with serving(more=script.offers) as served:
        await find_studies(served.remote, CALLER, QUICK, " P1 ")

    assert script.asked == [
        {
            tags.QUERY_RETRIEVE_LEVEL: b"STUDY ",
            tags.PATIENT_ID: b"P1",
            tags.STUDY_DATE: b"",
            tags.STUDY_TIME: b"",
            tags.ACCESSION_NUMBER: b"",
            tags.STUDY_INSTANCE_UID: b"",
        }
    ]


async def test_a_series_search_names_its_study_only() -> None:
    script = found()
    async with serving(more=script.offers) as served:
        await find_series(served.remote, CALLER, QUICK, "1.2.3")

    assert script.asked == [
        {
            tags.QUERY_RETRIEVE_LEVEL: b"SERIES",
            tags.STUDY_INSTANCE_UID: b"1.2.3\0",
            tags.SERIES_INSTANCE_UID: b"",
            tags.MODALITY: b"",
        }
    ]


async def test_an_image_search_names_study_and_series_and_asks_for_the_class() -> None:
    script = found()
    async with serving(more=script.offers) as served:
        await find_instances(served.remote, CALLER, QUICK, "1.2.3", "1.2.3.4")

    assert script.asked == [
        {
            tags.QUERY_RETRIEVE_LEVEL: b"IMAGE ",
            tags.STUDY_INSTANCE_UID: b"1.2.3\0",
            tags.SERIES_INSTANCE_UID: b"1.2.3.4\0",
            tags.SOP_INSTANCE_UID: b"",
            tags.SOP_CLASS_UID: b"",
            tags.INSTANCE_NUMBER: b"",
        }
    ]


async def test_extra_keys_are_asked_for_where_the_settings_say_so() -> None:
    script = found()
    async with serving(more=script.offers) as served:
        await find_studies(served.remote, CALLER, QUICK, "P1", extra_keys=True)

    assert {tags.PATIENT_NAME, tags.NUMBER_OF_STUDY_RELATED_INSTANCES} < script.asked[0].keys()
    assert script.asked[0][tags.PATIENT_NAME] == b""


async def test_the_accession_number_is_asked_for_as_it_is() -> None:
    script = found()
    async with serving(more=script.offers) as served:
        await find_studies(served.remote, CALLER, QUICK, "P1", "A77")

    assert script.asked[0][tags.ACCESSION_NUMBER] == b"A77 "


async def test_an_id_that_is_not_ascii_is_asked_for_in_unicode() -> None:
    answer = {
        tags.SPECIFIC_CHARACTER_SET: b"ISO_IR 13",
        tags.PATIENT_ID: "ﾔﾏﾀﾞ".encode("shift_jis"),
        tags.STUDY_INSTANCE_UID: "1.2.3",
    }
    script = found(answer)
    async with serving(more=script.offers) as served:
        studies = await find_studies(served.remote, CALLER, QUICK, "ﾔﾏﾀﾞ")

    assert script.asked[0][tags.SPECIFIC_CHARACTER_SET] == b"ISO_IR 192"
    assert script.asked[0][tags.PATIENT_ID] == "ﾔﾏﾀﾞ".encode()
    assert [study.study_instance_uid for study in studies] == ["1.2.3"]


@pytest.mark.parametrize("patient_id", ["", "  ", "P*", "P?", "P1\\P2"])
async def test_an_id_that_could_match_others_is_never_sent(patient_id: str) -> None:
    script = found()
    async with serving(more=script.offers) as served:
        with pytest.raises(UsageError):
            await find_studies(served.remote, CALLER, QUICK, patient_id)

    assert served.reports == []


@pytest.mark.parametrize(("study", "series"), [("", "1.2"), ("1.2", ""), ("1.2.*", "1.2"), ("1.2", "1.2\\1.3")])
async def test_a_uid_that_could_match_others_is_never_sent(study: str, series: str) -> None:
    async with serving(more=found().offers) as served:
        with pytest.raises(UsageError, match="is not usable as"):
            await find_instances(served.remote, CALLER, QUICK, study, series)

    assert served.reports == []


async def test_answers_for_another_patient_are_dropped_and_counted_without_the_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = found(
        STUDY,
        {**STUDY, tags.STUDY_INSTANCE_UID: "1.2.4", tags.PATIENT_ID: "0P1"},
        {**STUDY, tags.STUDY_INSTANCE_UID: "1.2.5", tags.PATIENT_ID: "SECRET"},
        {tags.STUDY_INSTANCE_UID: "1.2.6"},
    )
    async with serving(more=script.offers) as served:
        with caplog.at_level(logging.WARNING):
            studies = await find_studies(served.remote, CALLER, QUICK, "P1")

    assert studies == [FoundStudy("1.2.3", "P1")]
    assert "3 answers of remote netty at level STUDY were dropped" in caplog.text
    assert "SECRET" not in caplog.text


async def test_answers_without_a_usable_uid_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    script = found(STUDY, {**STUDY, tags.STUDY_INSTANCE_UID: ""}, {**STUDY, tags.STUDY_INSTANCE_UID: "1.2.x"})
    async with serving(more=script.offers) as served:
        studies = await find_studies(served.remote, CALLER, QUICK, "P1")

    assert len(studies) == 1
    assert "2 answers" in caplog.text


async def test_answers_that_name_another_study_or_series_are_dropped() -> None:
    mine = {tags.SOP_INSTANCE_UID: "1.2.3.4.5", tags.STUDY_INSTANCE_UID: "1.2.3", tags.SERIES_INSTANCE_UID: "1.2.3.4"}
    script = found(mine, {**mine, tags.SOP_INSTANCE_UID: "9", tags.SERIES_INSTANCE_UID: "9.9"})
    async with serving(more=script.offers) as served:
        instances = await find_instances(served.remote, CALLER, QUICK, "1.2.3", "1.2.3.4")

    assert [instance.sop_instance_uid for instance in instances] == ["1.2.3.4.5"]


async def test_padded_and_repeated_answers_are_one() -> None:
    """Some PACS pad UIDs with spaces, and some send an answer twice; FF01 is a match as FF00 is."""
    script = found(
        {tags.SERIES_INSTANCE_UID: b"1.2.3.4 ", tags.MODALITY: "CT"},
        {tags.SERIES_INSTANCE_UID: b"1.2.3.4\0", tags.MODALITY: "CT"},
        {tags.SERIES_INSTANCE_UID: "1.2.03.5", tags.MODALITY: "MR"},
        status=0xFF01,
    )
    async with serving(more=script.offers) as served:
        series = await find_series(served.remote, CALLER, QUICK, "1.2.3")

    assert series == [FoundSeries("1.2.3.4", "CT"), FoundSeries("1.2.03.5", "MR")]


async def test_an_instance_without_class_is_found_all_the_same() -> None:
    async with serving(more=found({tags.SOP_INSTANCE_UID: "1.2.3"}).offers) as served:
        instances = await find_instances(served.remote, CALLER, QUICK, "1.2", "1.2.1")

    assert instances == [FoundInstance("1.2.3")]


async def test_more_answers_than_are_read_at_once_all_come() -> None:
    script = found(*({tags.SOP_INSTANCE_UID: f"1.2.{number}"} for number in range(1, 3001)))
    async with serving(more=script.offers) as served:
        instances = await find_instances(served.remote, CALLER, QUICK, "1.2", "1.2.1")

    assert len(instances) == 3000


async def test_a_remote_that_closes_right_behind_its_last_answer_is_heard_to_the_end() -> None:
    def message(response: FindResponse, data: bytes = b"") -> bytes:
        command = encode_command(response)
        pdus = codec.encode_data_header(1, True, True, len(command)) + command
        return pdus + codec.encode_data_header(1, False, True, len(data)) + data if data else pdus

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        context = AcceptedContext(1, STUDY_ROOT_FIND, IMPLICIT_VR_LITTLE_ENDIAN)
        await peer.send(codec.encode_associate_accept(AssociateAccept((context,), CALLER.user_information)))
        await peer.pdu()
        await peer.pdu()
        pending = FindResponse(message_id_being_responded_to=1, status=0xFF00, has_data_set=True)
        uids = (encode_identifier({tags.SERIES_INSTANCE_UID: f"1.2.{number}"}) for number in range(1, 1001))
        end = message(FindResponse(message_id_being_responded_to=1, status=0))
        await peer.send(b"".join(message(pending, uid) for uid in uids) + end)

    async with raw_acceptor(behave) as remote:
        series = await find_series(remote, CALLER, QUICK, "1.2.3")

    assert len(series) == 1000


@pytest.mark.parametrize(
    ("status", "advice"),
    [(0xA700, "out of resources; try again later"), (0xC000, "cannot process the query"), (0xFE00, "was cancelled")],
)
async def test_a_failure_is_told_in_words(status: int, advice: str) -> None:
    final = FindResponse(message_id_being_responded_to=1, status=status, error_comment="Too many.")
    async with serving(more=Scripted(final=final).offers) as served:
        with pytest.raises(DimseFailure, match=advice) as caught:
            await find_studies(served.remote, CALLER, QUICK, "P1")

    assert (caught.value.status, caught.value.comment) == (status, "Too many.")
    assert f"{status:04X}" in str(caught.value)


async def test_each_search_has_an_association_of_its_own() -> None:
    """Statement 4.2.6."""
    async with serving(more=found().offers) as served:
        await find_series(served.remote, CALLER, QUICK, "1.2")
        await find_series(served.remote, CALLER, QUICK, "1.2")
        await served.wait_report()

    assert [(report.messages, report.ending.value) for report in served.reports] == [(1, "released")] * 2


def test_identifiers_are_ascending() -> None:
    keys = encode_identifier({tags.STUDY_INSTANCE_UID: "", tags.STUDY_DATE: ""})

    assert keys[:2] == b"\x08\x00"
