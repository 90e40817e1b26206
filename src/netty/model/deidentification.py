"""What is emptied in a DICOM file that we keep (statement 4.3.1 (3) b; PS3.15 Annex E for comparison).

The statement asks that "elements such as patient number and name" be cleared. Level `statement` empties, at every
nesting level, whatever names, numbers, or tells where to reach a person: the patient, the family, physicians and
other staff, institutions as addresses, and the numbers under which a hospital knows patient, visit and order.

What stays, and why: UIDs, because the difference is taken by them; dates of study, sex, age, size and weight, because
a picture cannot be read or scaled without them; descriptions and protocol, because they say what the picture shows;
device and station, because no person is named by them; private elements and pixels, because nobody can say in
general what they hold. So this is *not* the Basic Application Level Confidentiality Profile: neither code 113100 nor
(0012,0062) Patient Identity Removed is claimed, only (0012,0063) says what was done.

An element is emptied, not removed: most are of type 2, for which PS3.5 section 7.4.3 wants just that. The few that
are of type 1 where they stand, and may not be empty (PS3.5 section 7.4.1), get the word REMOVED.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Deidentification:
    """A level: which elements (tag -> keyword) lose their values, and the text of (0012,0063) that says so.

    Attributes:
        dummies: what those get that may not be empty.
    """

    name: str
    emptied: Mapping[int, str]
    method: str
    dummies: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def tags(self) -> frozenset[int]:
        """The tags alone."""
        return frozenset(self.emptied)


_PATIENT: Final = {
    0x00100010: "PatientName",
    0x00100020: "PatientID",
    0x00100021: "IssuerOfPatientID",
    0x00100024: "IssuerOfPatientIDQualifiersSequence",
    0x00100026: "SourcePatientGroupIdentificationSequence",
    0x00100027: "GroupOfPatientsIdentificationSequence",
    0x00100030: "PatientBirthDate",
    0x00100032: "PatientBirthTime",
    0x00100033: "PatientBirthDateInAlternativeCalendar",
    0x00100034: "PatientDeathDateInAlternativeCalendar",
    0x00100050: "PatientInsurancePlanCodeSequence",
    0x00101000: "OtherPatientIDs",
    0x00101001: "OtherPatientNames",
    0x00101002: "OtherPatientIDsSequence",
    0x00101005: "PatientBirthName",
    0x00101040: "PatientAddress",
    0x00101050: "InsurancePlanIdentification",
    0x00101060: "PatientMotherBirthName",
    0x00101080: "MilitaryRank",
    0x00101081: "BranchOfService",
    0x00101090: "MedicalRecordLocator",
    0x00101100: "ReferencedPatientPhotoSequence",
    0x00102150: "CountryOfResidence",
    0x00102152: "RegionOfResidence",
    0x00102154: "PatientTelephoneNumbers",
    0x00102155: "PatientTelecomInformation",
    0x00102160: "EthnicGroup",
    0x00102180: "Occupation",
    0x001021F0: "PatientReligiousPreference",
    0x00102297: "ResponsiblePerson",
    0x00102299: "ResponsibleOrganization",
    0x00104000: "PatientComments",
    0x00120040: "ClinicalTrialSubjectID",
    0x00120042: "ClinicalTrialSubjectReadingID",
    0x00380300: "CurrentPatientLocation",
    0x00380400: "PatientInstitutionResidence",
}

_NUMBERS_OF_THE_HOSPITAL: Final = {
    0x00080050: "AccessionNumber",
    0x00080051: "IssuerOfAccessionNumberSequence",
    0x00200010: "StudyID",
    0x00380010: "AdmissionID",
    0x00380011: "IssuerOfAdmissionID",
    0x00380014: "IssuerOfAdmissionIDSequence",
    0x00380060: "ServiceEpisodeID",
    0x00380061: "IssuerOfServiceEpisodeID",
    0x00380064: "IssuerOfServiceEpisodeIDSequence",
    0x00401001: "RequestedProcedureID",
    0x00402016: "PlacerOrderNumberImagingServiceRequest",
    0x00402017: "FillerOrderNumberImagingServiceRequest",
}

_STAFF: Final = {
    0x00080090: "ReferringPhysicianName",
    0x00080092: "ReferringPhysicianAddress",
    0x00080094: "ReferringPhysicianTelephoneNumbers",
    0x00080096: "ReferringPhysicianIdentificationSequence",
    0x0008009C: "ConsultingPhysicianName",
    0x0008009D: "ConsultingPhysicianIdentificationSequence",
    0x00081048: "PhysiciansOfRecord",
    0x00081049: "PhysiciansOfRecordIdentificationSequence",
    0x00081050: "PerformingPhysicianName",
    0x00081052: "PerformingPhysicianIdentificationSequence",
    0x00081060: "NameOfPhysiciansReadingStudy",
    0x00081062: "PhysiciansReadingStudyIdentificationSequence",
    0x00081070: "OperatorsName",
    0x00081072: "OperatorIdentificationSequence",
    0x00321031: "RequestingPhysicianIdentificationSequence",
    0x00321032: "RequestingPhysician",
    0x00400006: "ScheduledPerformingPhysicianName",
    0x0040000B: "ScheduledPerformingPhysicianIdentificationSequence",
    0x00401010: "NamesOfIntendedRecipientsOfResults",
    0x00401011: "IntendedRecipientsOfResultsIdentificationSequence",
    0x00401101: "PersonIdentificationCodeSequence",
    0x00401102: "PersonAddress",
    0x00401103: "PersonTelephoneNumbers",
    0x00401104: "PersonTelecomInformation",
    0x00402008: "OrderEnteredBy",
    0x00402010: "OrderCallbackPhoneNumber",
    0x00402011: "OrderCallbackTelecomInformation",
    0x0040A073: "VerifyingObserverSequence",
    0x0040A075: "VerifyingObserverName",
    0x0040A078: "AuthorObserverSequence",
    0x0040A07A: "ParticipantSequence",
    0x0040A088: "VerifyingObserverIdentificationCodeSequence",
    0x0040A123: "PersonName",
    0x00700084: "ContentCreatorName",
    0x00700086: "ContentCreatorIdentificationCodeSequence",
    0x40080102: "InterpretationRecorder",
    0x4008010A: "InterpretationTranscriber",
    0x4008010C: "InterpretationAuthor",
    0x40080114: "PhysicianApprovingInterpretation",
    0x40080119: "DistributionName",
    0x4008011A: "DistributionAddress",
}

_INSTITUTIONS: Final = {
    0x00080080: "InstitutionName",
    0x00080081: "InstitutionAddress",
    0x00080082: "InstitutionCodeSequence",
    0x00081040: "InstitutionalDepartmentName",
    0x00081041: "InstitutionalDepartmentTypeCodeSequence",
    0x00120031: "ClinicalTrialSiteName",
    0x00321033: "RequestingService",
    0x00402009: "OrderEntererLocation",
    0x0040A027: "VerifyingOrganization",
    0x0040A07C: "CustodialOrganizationSequence",
}

STATEMENT_LEVEL: Final = Deidentification(
    name="statement",
    emptied=MappingProxyType(_PATIENT | _NUMBERS_OF_THE_HOSPITAL | _STAFF | _INSTITUTIONS),
    method="netty statement level: persons, numbers, places emptied",
    dummies=MappingProxyType(dict.fromkeys((0x00120040, 0x00120042, 0x00401001, 0x0040A123), b"REMOVED ")),
)
