"""The settings of all parts together."""

from dataclasses import dataclass
from pathlib import Path

from netty.archive.settings import BlobSettings, DatabaseSettings
from netty.image.settings import RenderSettings
from netty.model.remote import Remote
from netty.network.settings import AeSettings, LimitSettings, QuerySettings, Timers
from netty.web.settings import WebSettings
from netty.workflow.settings import KeepSettings, ReceiveSettings, RetrieveSettings, SearchSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a settings file can say; paths are absolute.

    Attributes:
        file: the file they were read from.
        data: the folder of spool, blobs and SQLite.
        remotes: those of the file, all `managed`.
    """

    file: Path
    data: Path
    ae: AeSettings
    timers: Timers
    query: QuerySettings
    receive: ReceiveSettings
    limits: LimitSettings
    render: RenderSettings
    keep: KeepSettings
    retrieve: RetrieveSettings
    search: SearchSettings
    database: DatabaseSettings
    blobs: BlobSettings
    web: WebSettings
    remotes: tuple[Remote, ...] = ()


# Each part brings its own settings type; the name is the section's in the file and the field's in `Settings`.
SECTIONS: dict[str, type] = {
    "ae": AeSettings,
    "timers": Timers,
    "query": QuerySettings,
    "receive": ReceiveSettings,
    "limits": LimitSettings,
    "render": RenderSettings,
    "keep": KeepSettings,
    "retrieve": RetrieveSettings,
    "search": SearchSettings,
    "database": DatabaseSettings,
    "blobs": BlobSettings,
    "web": WebSettings,
}

DEFAULT_DATA = "data"
