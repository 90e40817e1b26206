"""What the pages are made of: handed down by the gateway, which alone knows the concrete parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from netty.archive.audit import Audit
from netty.archive.blobs import Blobs
from netty.archive.holdings import Holdings
from netty.archive.patients import Patients
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.set_aside import SetAside
from netty.archive.users import Sessions, Users
from netty.model.retrieval import Retrieval
from netty.web.settings import WebSettings
from netty.workflow.linkage import LinkView
from netty.workflow.quarantine import QuarantineDesk


class Linkage(Protocol):
    """What the pages ask of the workflow (`netty.workflow.linkage.Linkage`). Only `search` uses the network."""

    async def search(self, remote_name: str, patient_key: str, *, asked_by: str = "") -> object:
        """Ask one remote for a patient's studies, and note the answer or why there is none (PeerError)."""

    def noted(self, patient_key: str) -> Sequence[LinkView]:
        """The last answers of all remotes that know the patient, against what is held now."""

    def request_missing(self, patient_key: str, requested_by: str) -> Sequence[Retrieval]:
        """Request every study of which something is missing."""

    def request_study(self, remote: str, study_instance_uid: str, patient_key: str, requested_by: str) -> Retrieval:
        """Request one study from one remote; UsageError where its last answer does not list it."""


@dataclass(frozen=True, slots=True)
class WebParts:
    """All that the pages need.

    Attributes:
        preview: draws one frame of what is in the quarantine as JPEG; NettyError, in words, where that cannot be.
    """

    settings: WebSettings
    linkage: Linkage
    remotes: Remotes
    patients: Patients
    holdings: Holdings
    retrievals: Retrievals
    users: Users
    sessions: Sessions
    audit: Audit
    blobs: Blobs
    quarantine: QuarantineDesk
    preview: Callable[[SetAside, int], bytes]
