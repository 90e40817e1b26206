"""The headers of the made images: some 120 elements as scanners send them, with sequences and private elements."""

from collections.abc import Mapping
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

PATIENT_ID: Final = "BENCH"

_COMMON: Final[dict[str, Any]] = {
    "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
    "InstanceCreationDate": "20260401",
    "InstanceCreationTime": "093012.120000",
    "StudyDate": "20260401",
    "SeriesDate": "20260401",
    "AcquisitionDate": "20260401",
    "ContentDate": "20260401",
    "StudyTime": "092511.000000",
    "SeriesTime": "092804.351000",
    "AcquisitionTime": "092955.610000",
    "ContentTime": "093011.870000",
    "AccessionNumber": "2026040100123",
    "Manufacturer": "MADE",
    "InstitutionName": "General Hospital",
    "InstitutionAddress": "1-1 Chuo, Sapporo",
    "ReferringPhysicianName": "SATO^ICHIRO",
    "StationName": "SCANNER01",
    "StudyDescription": "Abdomen, routine",
    "SeriesDescription": "Abdomen 5.0 B30f",
    "InstitutionalDepartmentName": "Radiology",
    "PhysiciansOfRecord": "SUZUKI^JIRO",
    "PerformingPhysicianName": "TAKAHASHI^SABURO",
    "NameOfPhysiciansReadingStudy": "ITO^SHIRO",
    "OperatorsName": "WATANABE^GORO",
    "AdmittingDiagnosesDescription": "Follow-up",
    "ManufacturerModelName": "Model 64",
    "PatientName": "BENCH^MARK",
    "PatientID": PATIENT_ID,
    "PatientBirthDate": "19500101",
    "PatientSex": "F",
    "PatientAge": "076Y",
    "PatientSize": 1.58,
    "PatientWeight": 52.5,
    "EthnicGroup": "",
    "MedicalAlerts": "NONE",
    "Allergies": "NONE KNOWN",
    "PregnancyStatus": 4,
    "PatientComments": "",
    "AdditionalPatientHistory": "Operated 2019",
    "BodyPartExamined": "ABDOMEN",
    "DeviceSerialNumber": "54321",
    "SoftwareVersions": ["syngo", "VA48A"],
    "ProtocolName": "AbdomenRoutine",
    "DateOfLastCalibration": "20260331",
    "TimeOfLastCalibration": "070000.000000",
    "PatientPosition": "HFS",
    "StudyID": "4711",
    "SeriesNumber": 3,
    "AcquisitionNumber": 2,
    "InstanceNumber": 10001,
    "PatientOrientation": ["L", "P"],
    "FrameOfReferenceUID": "2.25.100000000000000000000000000000000000007",
    "PositionReferenceIndicator": "XY",
    "ImageComments": "",
    "QualityControlImage": "NO",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
    "RequestingPhysician": "SATO^ICHIRO",
    "RequestingService": "Internal Medicine",
    "RequestedProcedureDescription": "Abdomen with contrast",
    "RequestedContrastAgent": "IOHEXOL",
    "StudyComments": "",
    "CurrentPatientLocation": "Ward 5",
    "PerformedProcedureStepStartDate": "20260401",
    "PerformedProcedureStepStartTime": "092511.000000",
    "PerformedProcedureStepID": "PPS4711",
    "PerformedProcedureStepDescription": "Abdomen, routine",
    "CommentsOnThePerformedProcedureStep": "",
    "RequestedProcedureID": "RP4711",
}

_SLICE: Final[dict[str, Any]] = {
    "SliceThickness": 5,
    "SpacingBetweenSlices": 5,
    "ImagePositionPatient": [-180.5, -180.5, -310],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "SliceLocation": -310,
    "PixelSpacing": [0.703125, 0.703125],
}

_XRAY: Final[dict[str, Any]] = {
    "KVP": 28,
    "ExposureTime": 920,
    "XRayTubeCurrent": 100,
    "Exposure": 92,
    "ExposureInuAs": 92000,
    "ImagerPixelSpacing": [0.07, 0.07],
    "DistanceSourceToDetector": 660,
    "DistanceSourceToPatient": 610,
    "FocalSpots": 0.3,
    "AnodeTargetMaterial": "TUNGSTEN",
    "BodyPartThickness": 54,
    "CompressionForce": 91.2,
    "FilterType": "STRIP",
    "FilterMaterial": "RHODIUM",
    "FilterThicknessMinimum": 0.05,
    "FilterThicknessMaximum": 0.05,
    "Grid": ["RECIPROCATING", "FOCUSED"],
    "DetectorType": "DIRECT",
    "DetectorID": "D-1",
    "DetectorTemperature": 27.1,
    "FieldOfViewShape": "RECTANGLE",
    "FieldOfViewDimensions": [286, 239],
    "RelativeXRayExposure": 412,
    "OrganDose": 0.0162,
    "EntranceDoseInmGy": 6.8,
    "PixelIntensityRelationship": "LOG",
    "PixelIntensityRelationshipSign": -1,
}

OF_CT: Final[dict[str, Any]] = _SLICE | {
    "Modality": "CT",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"],
    "KVP": 120,
    "ContrastBolusAgent": "IOHEXOL",
    "ContrastBolusRoute": "IV",
    "ContrastBolusVolume": 90,
    "ContrastBolusStartTime": "092850.000000",
    "ContrastFlowRate": 3,
    "DataCollectionDiameter": 500,
    "ReconstructionDiameter": 360,
    "DistanceSourceToDetector": 1040,
    "DistanceSourceToPatient": 570,
    "GantryDetectorTilt": 0,
    "TableHeight": 156,
    "RotationDirection": "CW",
    "ExposureTime": 500,
    "XRayTubeCurrent": 230,
    "Exposure": 115,
    "FilterType": "0",
    "GeneratorPower": 28,
    "FocalSpots": 1.2,
    "ConvolutionKernel": "B30f",
    "CTDIvol": 7.74,
    "WindowCenter": 40,
    "WindowWidth": 400,
    "WindowCenterWidthExplanation": "ABDOMEN",
    "RescaleIntercept": -1024,
    "RescaleSlope": 1,
    "RescaleType": "HU",
}

OF_MR: Final[dict[str, Any]] = _SLICE | {
    "Modality": "MR",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "ScanningSequence": "SE",
    "SequenceVariant": ["SK", "SP"],
    "ScanOptions": "PFP",
    "MRAcquisitionType": "2D",
    "SequenceName": "*tse2d1_15",
    "AngioFlag": "N",
    "RepetitionTime": 3800,
    "EchoTime": 92,
    "NumberOfAverages": 2,
    "ImagingFrequency": 63.67,
    "ImagedNucleus": "1H",
    "EchoNumbers": 1,
    "MagneticFieldStrength": 1.5,
    "NumberOfPhaseEncodingSteps": 252,
    "EchoTrainLength": 15,
    "PercentSampling": 100,
    "PercentPhaseFieldOfView": 100,
    "PixelBandwidth": 130,
    "TransmitCoilName": "Body",
    "AcquisitionMatrix": [0, 256, 252, 0],
    "InPlanePhaseEncodingDirection": "ROW",
    "FlipAngle": 150,
    "VariableFlipAngleFlag": "N",
    "SAR": 1.12,
    "dBdt": 0,
    "WindowCenter": 600,
    "WindowWidth": 1300,
}

OF_MG: Final[dict[str, Any]] = _XRAY | {
    "Modality": "MG",
    "ImageType": ["DERIVED", "PRIMARY", ""],
    "PresentationIntentType": "FOR PRESENTATION",
    "ViewPosition": "CC",
    "ImageLaterality": "L",
    "OrganExposed": "BREAST",
    "PositionerType": "MAMMOGRAPHIC",
    "PositionerPrimaryAngle": 0,
    "WindowCenter": 2048,
    "WindowWidth": 4096,
    "RescaleIntercept": 0,
    "RescaleSlope": 1,
    "RescaleType": "US",
    "PresentationLUTShape": "IDENTITY",
}

OF_XA: Final[dict[str, Any]] = _XRAY | {
    "Modality": "XA",
    "ImageType": ["ORIGINAL", "PRIMARY", "SINGLE PLANE"],
    "RadiationSetting": "GR",
    "FrameTime": 66.67,
    "CineRate": 15,
    "PositionerMotion": "STATIC",
    "PositionerPrimaryAngle": 30,
    "PositionerSecondaryAngle": 0,
    "WindowCenter": 2048,
    "WindowWidth": 4096,
}


OF_CR: Final[dict[str, Any]] = _XRAY | {
    "Modality": "CR",
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "ViewPosition": "PA",
    "PlateType": "ST-VI",
    "WindowCenter": 512,
    "WindowWidth": 1024,
}

OF_US: Final[dict[str, Any]] = {
    "Modality": "US",
    "ImageType": ["ORIGINAL", "PRIMARY", "", "0001"],
    "TransducerData": "C5-1",
    "ProcessingFunction": "ABDOMEN",
}

OF_CINE: Final[dict[str, Any]] = OF_XA | {"WindowCenter": 128, "WindowWidth": 256}


def header(attributes: Mapping[str, Any]) -> Dataset:
    """A data set without UIDs and pixels."""
    made = Dataset()
    for keyword, value in {**_COMMON, **attributes}.items():
        setattr(made, keyword, value)
    made.ProcedureCodeSequence = Sequence([_code("CT0102", "Abdomen")])
    made.AnatomicRegionSequence = Sequence([_code("T-D4000", "Abdomen")])
    made.ReferencedStudySequence = Sequence([_reference("1.2.840.10008.3.1.2.3.1", 1)])
    made.ReferencedImageSequence = Sequence([_reference("1.2.840.10008.5.1.4.1.1.2", each) for each in range(2, 5)])
    made.RequestAttributesSequence = Sequence([_request()])
    _add_private(made)
    return made


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SRT", meaning
    return item


def _reference(sop_class_uid: str, number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, f"2.25.{10**38 + number}"
    return item


def _request() -> Dataset:
    item = Dataset()
    item.RequestedProcedureID, item.ScheduledProcedureStepID = "RP4711", "SPS4711"
    item.ScheduledProcedureStepDescription = "Abdomen with contrast"
    item.ScheduledProtocolCodeSequence = Sequence([_code("CT0102", "Abdomen")])
    return item


def _add_private(made: Dataset) -> None:
    block = made.private_block(0x0019, "MADE ACQUISITION 1.0", create=True)
    for number in range(12):
        block.add_new(0x10 + number, "DS", str(1.5 * number))
    shadow = made.private_block(0x0029, "MADE CSA HEADER", create=True)
    shadow.add_new(0x08, "CS", "IMAGE NUM 4")
    shadow.add_new(0x10, "OB", bytes(range(256)) * 24)
