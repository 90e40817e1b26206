"""The demo region: two made hospitals, four made patients, and studies of all thirteen classes.

Everything is drawn from fixed seeds, so that the same files come out each time; nobody in it exists.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from pydicom.dataset import Dataset

from netty.simulator import studies_made as made
from netty.simulator.studies_objects import Person, Study, made_uid, write_file


@dataclass(frozen=True, slots=True)
class DemoHospital:
    """A hospital: `name` as a remote is named, its AE title, and the folder of its files."""

    name: str
    title: str
    institution: str
    character_set: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """A person who agreed to be linked: one Patient ID per hospital (by the hospital's name)."""

    key: str
    name: str
    birth_date: str
    sex: str
    patient_ids: Mapping[str, str]

    @property
    def display_name(self) -> str:
        """The name as people write it: the ideographic group (PS3.5 6.2.1) with a space."""
        return self.name.split("=")[1].replace("^", " ")


@dataclass(frozen=True, slots=True)
class DemoStudy:
    """A study that lies at one hospital."""

    patient: str
    hospital: str
    study_instance_uid: str
    description: str
    instances: int
    sop_class_uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class DemoRegion:
    """All that was written."""

    hospitals: tuple[DemoHospital, ...]
    patients: tuple[DemoPatient, ...]
    studies: tuple[DemoStudy, ...]

    @property
    def instances(self) -> dict[tuple[str, str], int]:
        """How many instances each (patient key, hospital name) has."""
        counts: Counter[tuple[str, str]] = Counter()
        for study in self.studies:
            counts[study.patient, study.hospital] += study.instances
        return dict(counts)

    @property
    def total_instances(self) -> int:
        """How many instances there are in all."""
        return sum(study.instances for study in self.studies)


_HOSPITALS = (  # the second one writes as older Japanese systems do (PS3.5 H.3)
    ("central", "DEMO_CENTRAL", "中央総合病院", ("ISO_IR 192",)),
    ("east", "DEMO_EAST", "東記念病院", ("", "ISO 2022 IR 87")),
)
PATIENTS = (
    DemoPatient(
        "demo-1", "SATO^HANAKO=佐藤^花子=さとう^はなこ", "19580412", "F", {"central": "00012345", "east": "E-7781"}
    ),
    DemoPatient(
        "demo-2", "SUZUKI^ICHIRO=鈴木^一郎=すずき^いちろう", "19490923", "M", {"central": "00023456", "east": "E-1204"}
    ),
    DemoPatient(
        "demo-3",
        "TAKAHASHI^MISAKI=高橋^美咲=たかはし^みさき",
        "19711105",
        "F",
        {"central": "00034567", "east": "E-5530"},
    ),
    DemoPatient("demo-4", "TANAKA^KEN=田中^健=たなか^けん", "19850217", "M", {"central": "00045678", "east": "E-0042"}),
)

_Maker = Callable[[Person, Study, np.random.Generator], Iterator[Dataset]]
_STUDIES: tuple[tuple[str, str, str, str, _Maker], ...] = (  # patient, hospital, date, description, what draws it
    ("demo-1", "central", "20260302", "胸部CT(造影)", made.chest_ct),
    ("demo-1", "central", "20260226", "胸部X線 2方向", made.chest_cr),
    ("demo-1", "east", "20260316", "FDG-PET", made.whole_body_pet),
    ("demo-1", "east", "20251208", "心エコー", made.echocardiogram),
    ("demo-2", "central", "20260114", "冠動脈造影", made.coronary_angiogram),
    ("demo-2", "central", "20260115", "カテーテル報告", made.report),
    ("demo-2", "east", "20260120", "頭部MRI", made.head_mr),
    ("demo-2", "east", "20260210", "心筋血流マップ", made.perfusion_map),
    ("demo-3", "central", "20260408", "マンモグラフィ", made.mammography),
    ("demo-3", "central", "20260409", "皮膚写真", made.photographs),
    ("demo-3", "east", "20251127", "胸部X線(DX)", made.chest_dx),
    ("demo-4", "central", "20260218", "嚥下造影", made.swallow),
    ("demo-4", "east", "20260304", "腹部CT", made.abdomen_ct),
)


def write_demo_hospitals(folder: Path) -> DemoRegion:
    """Write the files of both hospitals under `folder`, one folder each, and say what is there."""
    hospitals = {
        name: DemoHospital(name, title, institution, character_set, folder / name)
        for name, title, institution, character_set in _HOSPITALS
    }
    for hospital in hospitals.values():
        hospital.folder.mkdir(parents=True, exist_ok=True)
    patients = {patient.key: patient for patient in PATIENTS}
    studies = tuple(
        _write_study(number, patients[patient], hospitals[hospital], date, description, maker)
        for number, (patient, hospital, date, description, maker) in enumerate(_STUDIES, start=1)
    )
    return DemoRegion(tuple(hospitals.values()), PATIENTS, studies)


def _write_study(
    number: int, patient: DemoPatient, hospital: DemoHospital, date: str, description: str, maker: _Maker
) -> DemoStudy:
    uid = made_uid("demo", hospital.name, number)
    person = Person(
        patient.patient_ids[hospital.name], patient.name, patient.birth_date, patient.sex, hospital.character_set
    )
    accession = f"{hospital.name[0].upper()}{date[2:]}{number:02}"
    study = Study(uid, date, f"{8 + number % 9:02}{number * 7 % 60:02}00", accession, description, hospital.institution)
    classes = set()
    count = 0
    for dataset in maker(person, study, np.random.default_rng(crc32(uid.encode()))):
        count += 1
        write_file(hospital.folder / f"{number:02}-{count:03}.dcm", dataset)
        classes.add(str(dataset.SOPClassUID))
    return DemoStudy(patient.key, hospital.name, uid, description, count, frozenset(classes))
