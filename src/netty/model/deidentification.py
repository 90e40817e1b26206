"""What is cleared in a DICOM file that we keep (statement 4.3.1 (3) b; PS3.15 Annex E for comparison).

The statement asks that "elements such as patient number and name" be cleared. Level `statement` clears, at every
nesting level, whatever names, numbers, or tells where to reach a person: the patient, the family, physicians and
other staff, institutions as addresses, and the numbers under which a hospital knows patient, visit and order.

What stays, and why: UIDs, because the difference is taken by them; dates of study, sex, age, size and weight, because
a picture cannot be read or scaled without them; descriptions and protocol, because they say what the picture shows;
device and station, because no person is named by them; private elements and pixels, because nobody can say in
general what they hold. So this is *not* the Basic Application Level Confidentiality Profile: neither code 113100 nor
(0012,0062) Patient Identity Removed is claimed, only (0012,0063) says what was done.

What is left of an element depends on the type that it has where it stands (PS3.5 section 7.4, PS3.3): `Becomes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from netty.dicom.splice_policy import Decision, Fate, Replaced
from netty.model.deidentification_items import DUMMY_ITEMS


class Becomes(Enum):
    """What is left of a listed element that had a value."""

    EMPTY = auto()
    """No value, or no items: types 2 and 3 (PS3.5 sections 7.4.3 and 7.4.5)."""

    ABSENT = auto()
    """Nothing: a sequence of type 3 that has items if it is there at all (PS3.3: "one or more Items", "a single Item").

    For type 3, no value and no element mean the same (PS3.5 section 7.4.5).
    """

    WORD = auto()
    """The word REMOVED: of type 1 or 1C, which may not be empty (PS3.5 sections 7.4.1 and 7.4.2)."""

    ITEM = auto()
    """One item of ours, as the basic profile writes it: a sequence of type 1C."""


_ALIKE: Final[Mapping[Becomes, Decision]] = MappingProxyType(
    {Becomes.EMPTY: Fate.EMPTY, Becomes.ABSENT: Fate.REMOVE, Becomes.WORD: Replaced(b"REMOVED ")}
)


@dataclass(frozen=True, slots=True)
class Row:
    """A listed element."""

    keyword: str
    becomes: Becomes = Becomes.EMPTY


@dataclass(frozen=True, slots=True)
class Deidentification:
    """A level: which elements lose their values, and the text of (0012,0063) that says so."""

    name: str
    rows: Mapping[int, Row]
    method: str

    @property
    def decisions(self) -> dict[int, Decision]:
        """What becomes of each listed element."""
        return {
            tag: Replaced((DUMMY_ITEMS[tag],)) if row.becomes is Becomes.ITEM else _ALIKE[row.becomes]
            for tag, row in self.rows.items()
        }


_PATIENT: Final = {
    0x00100010: Row("PatientName"),
    0x00100020: Row("PatientID"),
    0x00100021: Row("IssuerOfPatientID"),
    0x00100024: Row("IssuerOfPatientIDQualifiersSequence", Becomes.ABSENT),
    0x00100026: Row("SourcePatientGroupIdentificationSequence", Becomes.ABSENT),
    0x00100027: Row("GroupOfPatientsIdentificationSequence", Becomes.ABSENT),
    0x00100030: Row("PatientBirthDate"),
    0x00100032: Row("PatientBirthTime"),
    0x00100033: Row("PatientBirthDateInAlternativeCalendar"),
    0x00100034: Row("PatientDeathDateInAlternativeCalendar"),
    0x00100050: Row("PatientInsurancePlanCodeSequence", Becomes.ABSENT),
    0x00101000: Row("OtherPatientIDs"),
    0x00101001: Row("OtherPatientNames"),
    0x00101002: Row("OtherPatientIDsSequence", Becomes.ABSENT),
    0x00101005: Row("PatientBirthName"),
    0x00101040: Row("PatientAddress"),
    0x00101050: Row("InsurancePlanIdentification"),
    0x00101060: Row("PatientMotherBirthName"),
    0x00101080: Row("MilitaryRank"),
    0x00101081: Row("BranchOfService"),
    0x00101090: Row("MedicalRecordLocator"),
    0x00101100: Row("ReferencedPatientPhotoSequence", Becomes.ABSENT),
    0x00102150: Row("CountryOfResidence"),
    0x00102152: Row("RegionOfResidence"),
    0x00102154: Row("PatientTelephoneNumbers"),
    0x00102155: Row("PatientTelecomInformation"),
    0x00102160: Row("EthnicGroup"),
    0x00102180: Row("Occupation"),
    0x001021F0: Row("PatientReligiousPreference"),
    0x00102297: Row("ResponsiblePerson"),
    0x00102299: Row("ResponsibleOrganization"),
    0x00104000: Row("PatientComments"),
    0x00120040: Row("ClinicalTrialSubjectID", Becomes.WORD),
    0x00120042: Row("ClinicalTrialSubjectReadingID", Becomes.WORD),
    0x00380300: Row("CurrentPatientLocation"),
    0x00380400: Row("PatientInstitutionResidence"),
}

_NUMBERS_OF_THE_HOSPITAL: Final = {
    0x00080050: Row("AccessionNumber"),
    0x00080051: Row("IssuerOfAccessionNumberSequence", Becomes.ABSENT),
    0x00200010: Row("StudyID"),
    0x00380010: Row("AdmissionID"),
    0x00380011: Row("IssuerOfAdmissionID"),
    0x00380014: Row("IssuerOfAdmissionIDSequence", Becomes.ABSENT),
    0x00380060: Row("ServiceEpisodeID"),
    0x00380061: Row("IssuerOfServiceEpisodeID"),
    0x00380064: Row("IssuerOfServiceEpisodeIDSequence", Becomes.ABSENT),
    0x00401001: Row("RequestedProcedureID", Becomes.WORD),
    0x00402016: Row("PlacerOrderNumberImagingServiceRequest"),
    0x00402017: Row("FillerOrderNumberImagingServiceRequest"),
}

_STAFF: Final = {
    0x00080090: Row("ReferringPhysicianName"),
    0x00080092: Row("ReferringPhysicianAddress"),
    0x00080094: Row("ReferringPhysicianTelephoneNumbers"),
    0x00080096: Row("ReferringPhysicianIdentificationSequence", Becomes.ABSENT),
    0x0008009C: Row("ConsultingPhysicianName"),
    0x0008009D: Row("ConsultingPhysicianIdentificationSequence", Becomes.ABSENT),
    0x00081048: Row("PhysiciansOfRecord"),
    0x00081049: Row("PhysiciansOfRecordIdentificationSequence", Becomes.ABSENT),
    0x00081050: Row("PerformingPhysicianName"),
    0x00081052: Row("PerformingPhysicianIdentificationSequence", Becomes.ABSENT),
    0x00081060: Row("NameOfPhysiciansReadingStudy"),
    0x00081062: Row("PhysiciansReadingStudyIdentificationSequence", Becomes.ABSENT),
    0x00081070: Row("OperatorsName"),
    0x00081072: Row("OperatorIdentificationSequence", Becomes.ABSENT),
    0x00321031: Row("RequestingPhysicianIdentificationSequence", Becomes.ABSENT),
    0x00321032: Row("RequestingPhysician"),
    0x00400006: Row("ScheduledPerformingPhysicianName"),
    0x0040000B: Row("ScheduledPerformingPhysicianIdentificationSequence", Becomes.ABSENT),
    0x00401010: Row("NamesOfIntendedRecipientsOfResults"),
    0x00401011: Row("IntendedRecipientsOfResultsIdentificationSequence", Becomes.ABSENT),
    0x00401101: Row("PersonIdentificationCodeSequence"),
    0x00401102: Row("PersonAddress"),
    0x00401103: Row("PersonTelephoneNumbers"),
    0x00401104: Row("PersonTelecomInformation"),
    0x00402008: Row("OrderEnteredBy"),
    0x00402010: Row("OrderCallbackPhoneNumber"),
    0x00402011: Row("OrderCallbackTelecomInformation"),
    0x0040A073: Row("VerifyingObserverSequence", Becomes.ITEM),
    0x0040A075: Row("VerifyingObserverName"),
    0x0040A078: Row("AuthorObserverSequence", Becomes.ABSENT),
    0x0040A07A: Row("ParticipantSequence", Becomes.ABSENT),
    0x0040A088: Row("VerifyingObserverIdentificationCodeSequence"),
    0x0040A123: Row("PersonName", Becomes.WORD),
    0x00700084: Row("ContentCreatorName"),
    0x00700086: Row("ContentCreatorIdentificationCodeSequence", Becomes.ABSENT),
    0x40080102: Row("InterpretationRecorder"),
    0x4008010A: Row("InterpretationTranscriber"),
    0x4008010C: Row("InterpretationAuthor"),
    0x40080114: Row("PhysicianApprovingInterpretation"),
    0x40080119: Row("DistributionName"),
    0x4008011A: Row("DistributionAddress"),
}

_INSTITUTIONS: Final = {
    0x00080080: Row("InstitutionName"),
    0x00080081: Row("InstitutionAddress"),
    0x00080082: Row("InstitutionCodeSequence"),
    0x00081040: Row("InstitutionalDepartmentName"),
    0x00081041: Row("InstitutionalDepartmentTypeCodeSequence", Becomes.ABSENT),
    0x00120031: Row("ClinicalTrialSiteName"),
    0x00321033: Row("RequestingService"),
    0x00402009: Row("OrderEntererLocation"),
    0x0040A027: Row("VerifyingOrganization"),
    0x0040A07C: Row("CustodialOrganizationSequence", Becomes.ABSENT),
}

STATEMENT_LEVEL: Final = Deidentification(
    name="statement",
    rows=MappingProxyType(_PATIENT | _NUMBERS_OF_THE_HOSPITAL | _STAFF | _INSTITUTIONS),
    method="netty statement level: persons, numbers, places cleared",
)
