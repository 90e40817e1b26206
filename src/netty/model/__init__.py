"""What netty knows and decides, as values and pure functions: no I/O, no DICOM bytes, no database."""
