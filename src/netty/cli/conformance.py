"""``netty conformance``: netty's own DICOM conformance statement."""

import dataclasses

import click

from netty.cli.commands import Command
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json
from netty.cli.words import language, say
from netty.language import Language


@click.command(cls=Command)
@click.option(
    "--lang", type=click.Choice([each.value for each in Language]), help=say("without it: as the locale says")
)
@pass_invocation
def conformance(invocation: Invocation, lang: str | None) -> None:
    """By the settings in force; where there is no settings file, by the defaults."""
    from netty.config import NoSettingsFile, default_settings
    from netty.workflow.conformance import Running, conformance_statement

    try:
        settings = invocation.settings()
    except NoSettingsFile:
        settings = default_settings()
        note(say("There is no settings file here, so this is the statement of the defaults."))
    chosen = Language(lang) if lang else language()
    parts = {field.name: getattr(settings, field.name) for field in dataclasses.fields(Running)}
    text = conformance_statement(Running(**parts), chosen)
    if invocation.json:
        write_json({"language": chosen.value, "statement": text})
    else:
        write(text.rstrip("\n"))
