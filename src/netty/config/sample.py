"""The settings file that ``netty init`` writes: every key with its default and what it is for."""

from dataclasses import fields
from typing import Any

from netty.config.document import default_of
from netty.config.remotes import toml_value
from netty.config.settings import DEFAULT_DATA, SECTIONS
from netty.language import Language, mark, translate

_HEAD = (
    mark("The settings of netty. Every key has an environment variable too: NETTY_SECTION__KEY."),
    mark("Paths are relative to this file. Check it with: netty check"),
)
_DATA = mark("spool, images and SQLite live here")

# Keys whose default follows another one stand as comments.
_DERIVED = frozenset({("database", "url"), ("blobs", "url")})

_COMMENTS: dict[tuple[str, str], str] = {
    ("ae", "title"): mark("our AE title, as the other hospitals register it"),
    ("ae", "host"): mark("the address to listen on; 0.0.0.0 is every one"),
    ("ae", "port"): mark("the DICOM port"),
    ("ae", "max_pdu"): mark("the longest PDU we receive, up to 131072"),
    ("ae", "implementation_class_uid"): mark("as the conformance statement says"),
    ("ae", "implementation_version_name"): mark("as the conformance statement says"),
    ("timers", "association"): mark("seconds until an association is accepted"),
    ("timers", "response"): mark("seconds from one response to the next"),
    ("timers", "total"): mark("seconds for one search or retrieval"),
    ("timers", "response_restarts_on"): mark("response (the statement) or store (arriving images count as progress)"),
    ("query", "accession_number"): mark("search by it when given"),
    ("query", "extra_keys"): mark("true also asks for name, birth date, descriptions and counts"),
    ("receive", "unsolicited"): mark("what nobody asked for: discard, discard-success, refuse or quarantine"),
    ("receive", "unregistered"): mark("unknown callers: reject or close"),
    ("receive", "idle"): mark("seconds until a silent association is closed; 0 is never"),
    ("receive", "statuses"): mark("statement (A800, FF00) or standard (0122, A700)"),
    ("receive", "warn_changes"): mark("answer B000 or B006 where our copy differs from what was sent"),
    ("receive", "transfer_syntaxes"): mark("the transfer syntaxes that we accept"),
    ("receive", "sop_classes"): mark("statement, or a list of UIDs"),
    ("receive", "durability"): mark("fsync, or os (faster, but a power cut may lose what was acknowledged)"),
    ("receive", "quiet_time"): mark("seconds in which late images are still taken after a retrieval"),
    ("receive", "receivers"): mark("how many receiving processes run"),
    ("receive", "minimum_free"): mark("bytes that stay free on the disk: below, images are refused"),
    ("limits", "request"): mark("the longest association request, in bytes"),
    ("limits", "command_set"): mark("the longest command set, in bytes"),
    ("limits", "data_set"): mark("the longest data set, in bytes"),
    ("limits", "elements"): mark("the most elements of a data set"),
    ("limits", "depth"): mark("how deep sequences may nest, up to 64"),
    ("limits", "request_deadline"): mark("seconds from the connection to the whole association request"),
    ("limits", "closing_deadline"): mark("seconds until a peer has to close after the last message"),
    ("limits", "answer_deadline"): mark("seconds that a peer may leave our answers unread"),
    ("limits", "minimum_rate"): mark("bytes per second within a message; slower peers are cut off"),
    ("limits", "rate_window"): mark("seconds over which the rate is measured"),
    ("render", "format"): mark("jpeg, png, webp or tiff"),
    ("render", "quality"): mark("1 to 100"),
    ("render", "png_bits"): mark("8, or 16 for PNG with all greys that an image has"),
    ("render", "loop"): mark("the frames as a loop too: none, webp, or mp4 (needs the extra video)"),
    ("render", "ct_windows"): mark("CT through further windows: lung, bone, brain, mediastinum"),
    ("keep", "dicom"): mark("none, statement (kept, identifying elements cleared) or basic (PS3.15 Annex E)"),
    ("keep", "burned_in"): mark("text in pixels: keep, quarantine or mask; auto is keep, but quarantine with basic"),
    ("keep", "masks"): mark("the file that says which regions to mask"),
    ("keep", "retain_uids"): mark("basic: true keeps the UIDs"),
    ("keep", "retain_dates"): mark("basic: removed, full or modified (shifted, for each patient alike)"),
    ("keep", "clean_descriptors"): mark("basic: true keeps the known words of descriptions"),
    ("keep", "retain_device_identity"): mark("basic: true keeps what names the device"),
    ("keep", "retain_patient_characteristics"): mark("basic: true keeps sex, age, size, weight and the like"),
    ("keep", "retain_safe_private"): mark("basic: true keeps private elements that the standard calls safe"),
    ("retrieve", "levels"): mark('add "series" and "image" for smaller repairs'),
    ("search", "pace"): mark("associations per second and remote"),
    ("search", "every"): mark("90s, 30m, 6h or 1d"),
    ("search", "hours"): mark("when the automatic search may run, local time"),
    ("database", "url"): mark("or postgresql+psycopg://user@host/netty"),
    ("blobs", "url"): mark("or s3://bucket/prefix"),
    ("web", "host"): mark("the address of the pages; 127.0.0.1 is this machine only"),
    ("web", "port"): mark("the port of the pages"),
    ("web", "allowed_hosts"): mark("further names under which browsers ask for the pages"),
    ("web", "secure_cookie"): mark("true, false or auto: cookies go over https only"),
    ("web", "refresh"): mark("seconds between two readings of the progress that pages show"),
}

_REMOTE_HEAD = mark("A hospital. Remotes can also be added on the pages or with: netty remotes add")
_REMOTE: tuple[tuple[str, Any, str], ...] = (
    ("name", "central", mark("how it is called here")),
    ("title", "CENTRAL_PACS", mark("its AE title")),
    ("host", "192.0.2.10", mark("its address")),
    ("port", 104, mark("its DICOM port")),
    ("addresses", ("192.0.2.10",), mark("from where it may call us; without this line: host")),
    ("called_from", ("CENTRAL_PACS",), mark("AE titles it calls with; without this line: title")),
    ("max_moves", 1, mark("retrievals at once")),
    ("hours", ("00:00-24:00",), mark("when automatic work may run, local time")),
)


def commented_settings(language: Language = Language.ENGLISH) -> str:
    """The text of a ``netty.toml`` that says nothing but the defaults, explained in `language`."""
    lines = [f"# {translate(text, language)}" for text in _HEAD]
    lines += ["", _line("data", DEFAULT_DATA, translate(_DATA, language))]
    for section, kind in SECTIONS.items():
        lines += ["", f"[{section}]"]
        for field in fields(kind):
            comment = _COMMENTS.get((section, field.name), "")
            line = _line(field.name, default_of(field), translate(comment, language) if comment else "")
            lines.append(f"# {line}" if (section, field.name) in _DERIVED else line)
    lines += ["", f"# {translate(_REMOTE_HEAD, language)}", "# [[remote]]"]
    lines += [f"# {_line(name, value, translate(comment, language))}" for name, value, comment in _REMOTE]
    return "\n".join(lines) + "\n"


def _line(name: str, value: Any, comment: str) -> str:
    line = f"{name} = {toml_value(value)}"
    return f"{line:<47} # {comment}" if comment else line
