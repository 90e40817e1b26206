"""The reasons that are stored beside a state, as English sentences with ``{names}``.

They stand in one place because they are read in two languages long after they were written: the database keeps the
English sentence, and the pages and the command line find its template here to say it in the reader's language.
"""

from typing import Final

# A found study against what is held.
NOTHING_LISTED: Final = "The remote lists no image in this study."
IMAGES_MISSING: Final = "{missing} of {listed} images are missing here."
ALL_HELD: Final = "All {listed} images are held."
REST_UNOBTAINABLE: Final = "{held} of {listed} images are held; {unobtainable} cannot be obtained."

# One instance.
CLASS_NOT_ACCEPTED: Final = "netty does not accept this SOP class ({sop_class_uid})."
NOT_DELIVERED: Final = "The remote lists it but did not deliver it ({status})."
NO_PICTURE: Final = "It holds no picture ({kind})."
OTHER_PATIENT_ID: Final = "The image carries another Patient ID than the one searched for."
TWO_PATIENTS: Final = "The same UID is registered for another patient."
OTHER_BYTES: Final = "An image with the same UID and other content is already held."
UNSOLICITED: Final = "No retrieval of this study is open for this sender."
TEXT_IN_PIXELS: Final = "Its pixels may show who the patient is: it is held for a person to look at ([keep] burned_in)."
DISCARDED: Final = "A person looked at it in the quarantine and discarded it."

# A retrieval.
ON_HOLD: Final = "{count} images are on hold; a person must decide."
NONE_OBTAINABLE: Final = "None of {unobtainable} images can be obtained."
WITHOUT_PICTURE: Final = "{count} images have no picture."
SOME_UNOBTAINABLE: Final = "{count} images cannot be obtained."
DID_NOT_ARRIVE: Final = "{lacking} of {expected} images did not arrive."
REMOTE_SAID: Final = "The remote answered {status}: {explanation}."
CANCELLED: Final = "A person cancelled it."
REMOTE_REMOVED: Final = "The remote is not registered any more."
