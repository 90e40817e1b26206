"""A caller is named by AE title and address together (statement 7.1)."""

import pytest

from netty.model.remote import KnownCaller, Remote, identify_caller

CALLERS = [
    KnownCaller("central", frozenset({"CENTRAL", "CENTRAL_STORE"}), frozenset({"10.0.0.1", "10.0.0.2"})),
    KnownCaller("east", frozenset({"EAST"}), frozenset({"10.0.0.1"})),
]


@pytest.mark.parametrize(
    ("title", "address", "names"),
    [
        ("CENTRAL", "10.0.0.1", ("central",)),
        ("CENTRAL_STORE", "10.0.0.2", ("central",)),
        ("EAST", "10.0.0.1", ("east",)),
        ("EAST", "10.0.0.2", ()),
        ("central", "10.0.0.1", ()),
        ("STRANGER", "10.0.0.1", ()),
    ],
)
def test_title_and_address_must_both_be_registered_for_one_remote(
    title: str, address: str, names: tuple[str, ...]
) -> None:
    assert identify_caller(CALLERS, title, address) == names


def test_a_remote_calls_with_its_own_title_from_its_own_host_unless_it_says_otherwise() -> None:
    plain = Remote("central", "CENTRAL", "pacs.example", 104)
    other = Remote("east", "EAST", "pacs.example", 104, addresses=("10.0.0.9",), called_from=("EAST_SCU",))

    assert (plain.calling_titles, plain.calling_addresses) == (("CENTRAL",), ("pacs.example",))
    assert (other.calling_titles, other.calling_addresses) == (("EAST_SCU",), ("10.0.0.9",))
