"""The settings of the sections [database] and [blobs]."""

from dataclasses import dataclass
from typing import Any, ClassVar

_FORBID_UNKNOWN: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """[database]: ``sqlite:///FILE`` or ``postgresql+psycopg://...``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    url: str = "sqlite:///data/netty.db"


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """[blobs]: ``file:FOLDER`` or ``s3://BUCKET/PREFIX``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    url: str = "file:data/blobs"
