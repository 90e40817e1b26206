"""The digest of a received data set."""

import hashlib

import pytest

from netty.archive.digest import Digest, has_digest


def text_of(*pieces: bytes) -> str:
    digest = Digest()
    for piece in pieces:
        digest.update(piece)
    return digest.text


def test_a_digest_names_its_algorithm() -> None:
    # Of the reference implementation (Debian's xxhsum 0.8.1): no input, and more than it takes by short ways.
    assert text_of() == "xxh3:99aa06d3014798d86001c324468d497f"
    assert text_of(bytes(1000)) == "xxh3:3fb94aea6d09b97224c1ea6074dd588c"


def test_a_digest_does_not_depend_on_how_the_bytes_came() -> None:
    assert text_of(b"abc", b"", b"def") == text_of(b"abcdef")


@pytest.mark.parametrize(
    "stated",
    [text_of(b"pixels"), hashlib.sha256(b"pixels").hexdigest()],
    ids=["ours", "of a netty that knew SHA-256 alone"],
)
def test_bytes_are_known_by_the_digest_that_was_stated(stated: str) -> None:
    assert has_digest([b"pix", b"els"], stated)
    assert not has_digest([b"pix", b"elz"], stated)
