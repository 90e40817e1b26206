"""What `verify` says about each kind of problem: sentences for readers, in one place for two languages."""

from typing import Final

PICTURE_GONE: Final = "A picture is gone. netty verify --repair makes it again, or has the image fetched again."
PICTURE_DAMAGED: Final = "A picture is damaged. netty verify --repair makes it again, or has the image fetched again."
KEPT_GONE: Final = "A kept DICOM file is gone. netty verify --repair forgets it; the pictures stay."
KEPT_DAMAGED: Final = "A kept DICOM file is damaged. netty verify --repair forgets it; the pictures stay."
RECEIVED_GONE: Final = "A received image without pictures is gone. netty verify --repair has it fetched again."
RECEIVED_DAMAGED: Final = "A received image is damaged. netty verify --repair has it fetched again."
QUARANTINED_GONE: Final = "A file that a person was to decide on is gone. netty verify --repair forgets it."
QUARANTINED_DAMAGED: Final = "A file that a person is to decide on is damaged. Have it sent again."
NOT_QUARANTINED: Final = "A file waits to be moved to the quarantine. netty verify --repair moves it."
NAMELESS_BLOB: Final = "Nothing in the database names this file. netty verify --repair removes it."
NEVER_REGISTERED: Final = "This received file is not in the database. netty verify --repair registers it."
NAMELESS_QUARANTINED: Final = "Nothing in the database names this quarantined file. A person must look at it."
