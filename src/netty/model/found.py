"""What a remote says it holds: the answers of one search (statement table 3, PS3.4 C.6.2.1)."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """One answer at IMAGE level. `sop_class_uid` and `instance_number` are empty where the remote gave none."""

    sop_instance_uid: str
    sop_class_uid: str = ""
    instance_number: str = ""


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """One answer at SERIES level with its instances."""

    series_instance_uid: str
    modality: str = ""
    instances: tuple[FoundInstance, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """One answer at STUDY level with its series. Dates and times as DICOM writes them (``YYYYMMDD``, ``HHMMSS``)."""

    study_instance_uid: str
    patient_id: str
    study_date: str = ""
    study_time: str = ""
    accession_number: str = ""
    series: tuple[FoundSeries, ...] = ()

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of its series, each once, sorted."""
        return tuple(sorted({series.modality for series in self.series if series.modality}))

    @property
    def instances(self) -> Iterator[FoundInstance]:
        """All its instances, series by series."""
        return (instance for series in self.series for instance in series.instances)

    @property
    def instance_count(self) -> int:
        """How many instances the remote listed."""
        return sum(len(series.instances) for series in self.series)
