"""The ranges and forms of values: what a type alone does not say, key by key."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from netty.config.problems import RuleBroken
from netty.dicom.uids import is_valid_uid
from netty.errors import SettingsError
from netty.image.settings import LoopFormat
from netty.model.hours import parse_window
from netty.workflow.settings import SearchSettings

Rule = Callable[[Any], None]

_LONGEST_TITLE = 16  # PS3.5 6.2, AE; PS3.7 D.3.3.2.4 for the version name


def between(low: float, high: float) -> Rule:
    """A number from `low` to `high`."""

    def check(value: float) -> None:
        if not low <= value <= high:
            raise SettingsError(
                "It must be between {low} and {high}, not {value}.", low=f"{low:g}", high=f"{high:g}", value=value
            )

    return check


def more_than_zero(value: float) -> None:
    """A number above 0."""
    if not value > 0:
        raise SettingsError("It must be more than 0, not {value}.", value=value)


def not_negative(value: float) -> None:
    """0 or more."""
    if value < 0:
        raise SettingsError("It cannot be negative, but is {value}.", value=value)


def ae_title(value: str) -> None:
    """An AE title: 1 to 16 printable ASCII characters, no backslash, not only spaces (PS3.5 6.2)."""
    if not (1 <= len(value) <= _LONGEST_TITLE and value.isascii() and value.isprintable()) or "\\" in value:
        raise SettingsError(
            "{title} is not an AE title: 1 to 16 ASCII characters without backslash.", title=repr(value)
        )
    if not value.strip():
        raise SettingsError("An AE title cannot consist of spaces only.")


def uid(value: str) -> None:
    """A UID (PS3.5 9.1)."""
    if not is_valid_uid(value):
        raise SettingsError("{uid} is not a UID: up to 64 digits and points.", uid=repr(value))


def short_ascii(value: str) -> None:
    """An implementation version name (PS3.7 D.3.3.2.4)."""
    if not (1 <= len(value) <= _LONGEST_TITLE and value.isascii() and value.isprintable()):
        raise SettingsError("{value} must have 1 to 16 ASCII characters.", value=repr(value))


def not_blank(value: str) -> None:
    """A text with something in it."""
    if not value.strip():
        raise SettingsError("It cannot be empty.")


def remote_name(value: str) -> None:
    """A name that can be typed, and stand in an address."""
    if not value.strip() or value != value.strip() or not value.isprintable() or "/" in value or value[0] == "-":
        raise SettingsError(
            "{name} cannot be a remote's name: no slash, no space around it, no dash before it.", name=repr(value)
        )


def hours(values: tuple[str, ...]) -> None:
    """Time windows."""
    for value in values:
        parse_window(value)


def every(value: str) -> None:
    """The pause between two rounds."""
    try:
        SearchSettings(every=value)
    except ValueError:
        raise SettingsError("{value} is no pause. Write 90s, 30m, 6h or 1d.", value=repr(value)) from None


def each(rule: Rule) -> Rule:
    """Every element of a list keeps `rule`; a word in place of the list (``"statement"``) has been checked already."""

    def check(values: str | tuple[Any, ...]) -> None:
        for value in () if isinstance(values, str) else values:
            rule(value)

    return check


def not_empty(rule: Rule) -> Rule:
    """A list with at least one element, each of which keeps `rule`."""

    def check(values: str | tuple[Any, ...]) -> None:
        if not values:
            raise SettingsError("The list cannot be empty.")
        each(rule)(values)

    return check


def one_of(*numbers: int) -> Rule:
    """One of these numbers."""

    def check(value: int) -> None:
        if value not in numbers:
            allowed = ", ".join(map(str, numbers))
            raise SettingsError("It must be one of {numbers}, not {value}.", numbers=allowed, value=value)

    return check


def loop_format(value: str) -> None:
    """A format of loops that can be made here."""
    if value == LoopFormat.MP4 and find_spec("av") is None:
        raise SettingsError("MP4 needs PyAV. Install it: pip install 'happy-netty[video]'.")


def contains(value: str) -> Rule:
    """A list that holds `value`."""

    def check(values: tuple[Any, ...]) -> None:
        if value not in values:
            raise SettingsError("The list must contain {value}.", value=f'"{value}"')

    return check


def url(*schemes: str) -> Rule:
    """An address that begins with one of `schemes`; it is not repeated, since it may hold a password."""

    def check(value: str) -> None:
        if not value.startswith(schemes):
            raise SettingsError("The address must begin with {schemes}.", schemes=", ".join(schemes))

    return check


LISTENING_PORT = between(0, 65535)  # 0: any free one
PORT = between(1, 65535)

RULES: dict[tuple[str, str], Rule] = {
    ("ae", "title"): ae_title,
    ("ae", "host"): not_blank,
    ("ae", "port"): LISTENING_PORT,
    ("ae", "max_pdu"): between(4096, 131072),
    ("ae", "implementation_class_uid"): uid,
    ("ae", "implementation_version_name"): short_ascii,
    ("timers", "association"): more_than_zero,
    ("timers", "response"): more_than_zero,
    ("timers", "total"): more_than_zero,
    ("receive", "idle"): not_negative,
    ("receive", "quiet_time"): not_negative,
    ("receive", "receivers"): between(1, 64),
    ("receive", "minimum_free"): not_negative,
    ("receive", "transfer_syntaxes"): not_empty(uid),
    ("receive", "sop_classes"): not_empty(uid),
    ("limits", "request"): between(4096, 1 << 20),
    ("limits", "command_set"): between(1024, 1 << 20),
    ("limits", "data_set"): between(1 << 20, 1 << 40),
    ("limits", "elements"): between(1000, 10_000_000),
    ("limits", "depth"): between(1, 64),
    ("limits", "request_deadline"): more_than_zero,
    ("limits", "closing_deadline"): more_than_zero,
    ("limits", "answer_deadline"): more_than_zero,
    ("limits", "minimum_rate"): not_negative,
    ("limits", "rate_window"): more_than_zero,
    ("render", "quality"): between(1, 100),
    ("render", "png_bits"): one_of(8, 16),
    ("render", "loop"): loop_format,
    ("retrieve", "levels"): contains("study"),
    ("search", "pace"): more_than_zero,
    ("search", "every"): every,
    ("search", "hours"): hours,
    ("database", "url"): url("sqlite:///", "postgresql+psycopg://"),
    ("blobs", "url"): url("file:", "s3://"),
    ("web", "host"): not_blank,
    ("web", "port"): LISTENING_PORT,
    ("remote", "name"): remote_name,
    ("remote", "title"): ae_title,
    ("remote", "host"): not_blank,
    ("remote", "port"): PORT,
    ("remote", "addresses"): each(not_blank),
    ("remote", "called_from"): each(ae_title),
    ("remote", "max_moves"): between(1, 64),
    ("remote", "hours"): hours,
}


def checked(section: str, key: str) -> Callable[[Any], Any]:
    """A validator for pydantic that holds a value to its rule."""
    rule = RULES[section, key]

    def validate(value: Any) -> Any:
        try:
            rule(value)
        except SettingsError as error:
            raise RuleBroken(error) from error
        return value

    return validate
