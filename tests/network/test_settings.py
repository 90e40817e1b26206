"""The settings say at once what cannot be."""

import pytest
from pydantic import TypeAdapter, ValidationError

from netty.network.settings import AeSettings, QuerySettings, ReceiveLimits, Timers


def test_the_defaults_are_the_statements() -> None:
    """Statement 4.2.1, 4.2.4, 4.2.6."""
    ae, timers = AeSettings(), Timers()

    assert (ae.title, ae.max_pdu) == ("HAPPY_netty", 16384)
    assert (ae.implementation_class_uid, ae.implementation_version_name) == (
        "1.2.276.0.7230010.3.0.3.6.0",
        "OFFIS_DCMTK_360",
    )
    assert (timers.association, timers.response, timers.total) == (60, 60, 1000)
    assert QuerySettings().accession_number is False


BAD = [
    (AeSettings, "title", "far too long an AE title"),
    (AeSettings, "title", "   "),
    (AeSettings, "title", "A\\B"),
    (AeSettings, "port", 65536),
    (AeSettings, "max_pdu", 4095),
    (AeSettings, "max_pdu", 131073),
    (AeSettings, "implementation_class_uid", "1..2"),
    (AeSettings, "implementation_version_name", ""),
    (Timers, "response", 0),
    (ReceiveLimits, "data_set", 0),
    (ReceiveLimits, "idle", -1),
    (ReceiveLimits, "rate_window", 0),
]


@pytest.mark.parametrize(("kind", "key", "value"), BAD)
def test_a_value_out_of_range_is_refused(kind: type, key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        kind(**{key: value})


@pytest.mark.parametrize("kind", [AeSettings, Timers, QuerySettings])
def test_an_unknown_key_is_an_error(kind: type) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python({"titel": "X"})
