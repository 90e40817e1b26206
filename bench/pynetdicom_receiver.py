"""``python -m bench.pynetdicom_receiver PORT FOLDER MAX_PDU``: the shortest Storage SCP that pynetdicom makes.

It writes what came without decoding it, which its own storescp does not.
"""

import signal
import sys
from pathlib import Path

from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.dimse_primitives import C_STORE


def main(port: str, folder: str, max_pdu: str) -> None:
    """Listen until SIGTERM."""

    def store(event: evt.Event) -> int:
        request = event.request
        assert isinstance(request, C_STORE)
        with (Path(folder) / f"{request.AffectedSOPInstanceUID}.dcm").open("wb") as file:
            file.write(event.encoded_dataset())
        return 0x0000

    ae = AE()
    ae.maximum_pdu_size = int(max_pdu)
    ae.maximum_associations = 64
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), ImplicitVRLittleEndian)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ae.start_server(("127.0.0.1", int(port)), block=True, evt_handlers=[(evt.EVT_C_STORE, store)])


if __name__ == "__main__":
    main(*sys.argv[1:])
