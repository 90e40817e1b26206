"""The font for text of presentation states: one with Japanese letters, where the machine has one."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from netty.image.drawing import Font

JAPANESE_FONTS: Final = (  # in Debian's packages fonts-noto-cjk, fonts-ipafont, fonts-vlgothic, fonts-takao; elsewhere
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf",
    "/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf",
    "/usr/share/fonts/truetype/vlgothic/VL-Gothic-Regular.ttf",
    "/usr/share/fonts/truetype/takao-gothic/TakaoGothic.ttf",
    "/System/Library/Fonts/ヒラギノ角ゴシック W3.ttc",
    "C:/Windows/Fonts/meiryo.ttc",
)
_LAST_OF_LATIN: Final = "\u2e7f"


@lru_cache(maxsize=1)
def japanese_font() -> str | None:
    """The file of a font with Japanese letters."""
    return next((path for path in JAPANESE_FONTS if Path(path).is_file()), None)


def lacks_letters(text: str) -> bool:
    """Whether there is East Asian text, and no font for it."""
    return japanese_font() is None and any(letter > _LAST_OF_LATIN for letter in text)


@lru_cache(maxsize=4)
def annotation_font(size: int) -> Font:
    """The font in a size; Pillow's own, which has Latin letters only, where there is no other."""
    path = japanese_font()
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)
