"""What netty says, in Japanese or English: the English sentence is the key, ``ja.toml`` holds the Japanese one."""

from netty.language.choice import Language, language_from_accept, language_from_environment
from netty.language.translation import mark, render, retell, translate

__all__ = [
    "Language",
    "language_from_accept",
    "language_from_environment",
    "mark",
    "render",
    "retell",
    "translate",
]
