"""``python -m bench.pynetdicom_job PORT FOLDER PACS_PORT PACS_TITLE``: the main job as a small honest program.

pynetdicom receives into files, two processes draw with pydicom and Pillow as images come, SQLite has a row for each.
For each line on standard input, a Study Instance UID, it fetches the study and answers with the seconds that it took
and how many pictures have their row.
"""

import sqlite3
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.dimse_primitives import C_STORE

from bench.render_workers import pillow

_TITLE = "HAPPY_netty"
_STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"


def _draw(path: Path) -> Path:
    for data in _PILLOW(path):
        path.with_suffix(".jpg").write_bytes(data)
    return path


_PILLOW = pillow()


def main(port: str, folder: str, pacs_port: str, pacs: str) -> None:
    """Serve until standard input ends."""
    rows = sqlite3.connect(Path(folder) / "images.db")
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("CREATE TABLE image (uid TEXT PRIMARY KEY, study TEXT, picture TEXT)")
    waiting: list[Future[Path]] = []
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(len, ["", ""]))  # they start now

        def store(event: evt.Event) -> int:
            request = event.request
            assert isinstance(request, C_STORE)
            path = Path(folder) / f"{request.AffectedSOPInstanceUID}.dcm"
            with path.open("wb") as file:
                file.write(event.encoded_dataset())
            waiting.append(pool.submit(_draw, path))
            return 0x0000

        ae = AE(_TITLE)
        ae.maximum_pdu_size = 131072
        ae.add_requested_context(_STUDY_ROOT_MOVE)
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(str(context.abstract_syntax), ImplicitVRLittleEndian)
        ae.start_server(("127.0.0.1", int(port)), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
        print("ready", flush=True)
        for study in map(str.strip, sys.stdin):
            began = time.perf_counter()
            _fetch(ae, int(pacs_port), pacs, study)
            for drawn in waiting:
                path = drawn.result()
                with rows:
                    row = (path.stem, study, f"{path.stem}.jpg")
                    rows.execute("INSERT OR REPLACE INTO image VALUES (?, ?, ?)", row)
            print(time.perf_counter() - began, len(waiting), flush=True)
            waiting.clear()
        ae.shutdown()


def _fetch(ae: AE, port: int, title: str, study: str) -> None:
    wanted = Dataset()
    wanted.QueryRetrieveLevel, wanted.StudyInstanceUID = "STUDY", study
    association = ae.associate("127.0.0.1", port, ae_title=title)
    if not association.is_established:
        raise ConnectionError("no association with the PACS")
    for _ in association.send_c_move(wanted, _TITLE, _STUDY_ROOT_MOVE):
        pass
    association.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
