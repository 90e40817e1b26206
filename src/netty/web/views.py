"""Who saw what, for the audit: each person and study once in ten minutes, not once for each of its pictures."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.web.visitor import Visitor

_SAME_VIEW_SECONDS: Final = 600.0
_REMEMBERED: Final = 10_000


class Views:
    """Writes an audit event before anything of a patient or a study is shown."""

    def __init__(self, audit: Audit, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._lately: OrderedDict[tuple[str, str], float] = OrderedDict()

    def patient(self, visitor: Visitor, patient_key: str) -> None:
        """A patient's page is shown."""
        self._audit.write(AuditEvent(AuditKind.VIEWED_PATIENT, who=visitor.name, patient_key=patient_key))

    def study(self, visitor: Visitor, study_instance_uid: str, patient_key: str, remote: str) -> None:
        """A page or a picture of a study is shown; what belongs to the same view is written once."""
        view, now = (visitor.key, study_instance_uid), self._clock()
        with self._lock:
            last = self._lately.get(view)
        if last is not None and now - last < _SAME_VIEW_SECONDS:
            return
        self._audit.write(
            AuditEvent(
                AuditKind.VIEWED_STUDY,
                who=visitor.name,
                patient_key=patient_key,
                study_instance_uid=study_instance_uid,
                remote=remote,
            )
        )
        with self._lock:
            self._lately[view] = now
            self._lately.move_to_end(view)
            while len(self._lately) > _REMEMBERED:
                self._lately.popitem(last=False)
