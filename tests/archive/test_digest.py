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
    # The first of the test vectors of BLAKE3's specification: no input at all.
    assert text_of() == "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


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
