"""The settings file as pydantic sees it: one model, derived from the types that the parts bring."""

import json
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from netty.config.places import KeyPath
from netty.config.problems import ENVIRONMENT_PREFIX
from netty.config.rules import RULES, checked
from netty.config.settings import DEFAULT_DATA, SECTIONS
from netty.model.remote import Remote

_NOT_IN_A_FILE = frozenset({"managed", "paused"})
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Environment(EnvSettingsSource):
    """Environment variables, where a list may be written with commas too: ``NETTY_SEARCH__HOURS=22:00-06:00``."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            return [part.strip() for part in value.split(",")]


class _Document(BaseSettings):
    """Environment before file; both may leave out anything."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file's content is handed in as arguments."""
        assert isinstance(init_settings, InitSettingsSource)
        return (_Environment(settings_cls), init_settings)


def _model(name: str, kind: type) -> type[BaseModel]:
    """The model of one section: a part's dataclass, with the rules of its keys."""
    hints = get_type_hints(kind, include_extras=True)
    content: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in _NOT_IN_A_FILE:
            content[field.name] = (_annotated(hints[field.name], name, field.name), default_of(field))
    return create_model(name, __config__=_STRICT, **content)


def _annotated(kind: Any, section: str, key: str) -> Any:
    """The type of a key, with what the type alone does not say."""
    if kind in (int, float):
        kind = Annotated[kind, BeforeValidator(_no_truth)]
    if (section, key) in RULES:
        kind = Annotated[kind, AfterValidator(checked(section, key))]
    return kind


def _no_truth(value: Any) -> Any:
    """``port = true`` is a slip: Python would take it for 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


def default_of(field: Field[Any]) -> Any:
    """A dataclass field's default; ``...`` (pydantic's word) where it has none."""
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else ...


RemoteEntry = _model("remote", Remote)


class RemotesDocument(BaseModel):
    """A file with remotes only, as ``netty remotes export`` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    remote: tuple[RemoteEntry, ...] = ()  # type: ignore[valid-type]


_MODELS = {name: _model(name, kind) for name, kind in SECTIONS.items()}
Document: type[_Document] = create_model(
    "Document",
    __base__=_Document,
    data=(str, DEFAULT_DATA),
    remote=(tuple[RemoteEntry, ...], ()),  # type: ignore[valid-type]
    **{name: (model, model()) for name, model in _MODELS.items()},  # type: ignore[call-overload]
)

KNOWN_KEYS: tuple[KeyPath, ...] = (
    ("data",),
    ("remote",),
    *((name,) for name in SECTIONS),
    *((name, field.name) for name, kind in SECTIONS.items() for field in fields(kind)),
    *(("remote", name) for name in RemoteEntry.model_fields),
)
