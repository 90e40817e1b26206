"""Text for the index, in the character sets that Japanese hospitals send (PS3.5 Annex H)."""

import pytest
from pydicom.charset import convert_encodings, decode_bytes

from netty.dicom.text import character_sets, decode_text

YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう"


@pytest.mark.parametrize(
    ("charset", "value", "text"),
    [
        (b"", b"Smith^John ", "Smith^John"),
        (b"ISO_IR 100", "Müller^Jörg".encode("latin-1"), "Müller^Jörg"),
        (b"ISO_IR 192", YAMADA.encode(), YAMADA),
        (b"ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        (  # PS3.5 H.3.1
            rb"\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            YAMADA,
        ),
        (  # PS3.5 H.3.2
            rb"ISO 2022 IR 13\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (  # PS3.5 I.2
            rb"\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
    ],
)
def test_a_name_is_read_in_its_character_set_and_as_pydicom_reads_it(charset: bytes, value: bytes, text: str) -> None:
    declared = character_sets(charset)

    assert decode_text(value, declared) == text
    theirs = decode_bytes(value, convert_encodings(list(declared)), {0x0D, 0x0A, 0x09, 0x0C, ord("^"), ord("=")})
    assert theirs.strip() == text


@pytest.mark.parametrize("codec", ["utf-8", "cp932"])
def test_japanese_without_a_declared_character_set_is_guessed(codec: str) -> None:
    assert decode_text("山田^太郎".encode(codec)) == "山田^太郎"


def test_what_cannot_be_decoded_is_shown_with_replacement_characters() -> None:
    assert decode_text(b"\xff\xfe", ("ISO_IR 192",)) == "��"
