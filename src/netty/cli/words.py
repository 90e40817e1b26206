"""What the command line says, in the language of the reader; and click's own words in that language too."""

import os
from typing import Any

import click

from netty.language import Language, language_from_environment, retell, translate


def language() -> Language:
    """The language that LC_ALL, LC_MESSAGES or LANG ask for."""
    return language_from_environment(os.environ)


def say(text: str, /, **values: Any) -> str:
    """An English sentence in the reader's language, `values` filled in."""
    return translate(text, language()).format(**values)


def retold(sentence: str) -> str:
    """Sentences that were filled in and stored in English, in the reader's language."""
    return retell(sentence, language())


def usage_error(error: click.ClickException) -> str:
    """What is wrong with the call. click's own sentences are English; ours carry a NettyError."""
    parameter = error.param.get_error_hint(error.ctx) if isinstance(error, click.BadParameter) and error.param else ""
    hint = parameter if isinstance(parameter, str) else " ".join(parameter)
    match error:
        case click.MissingParameter():
            return say("{parameter} is missing.", parameter=hint)
        case click.NoSuchOption(possibilities=[nearest, *_]):
            return say(
                "There is no option {option}. Did you mean {nearest}?", option=error.option_name, nearest=nearest
            )
        case click.NoSuchOption():
            return say("There is no option {option}.", option=error.option_name)
        case click.BadOptionUsage():
            return say(
                "The option {option} is not used right: {detail}", option=error.option_name, detail=error.message
            )
        case click.BadParameter(param=click.Parameter(type=click.Choice() as choice)):
            return say("{parameter} must be one of: {choices}.", parameter=hint, choices=", ".join(choice.choices))
        case click.BadParameter(param=click.Parameter(type=click.IntRange(min=low, max=None))):
            return say("{parameter} must be a whole number, at least {low}.", parameter=hint, low=low)
        case click.BadParameter(param=click.Parameter(type=click.IntRange(min=low, max=high))):
            return say("{parameter} must be a whole number from {low} to {high}.", parameter=hint, low=low, high=high)
        case click.BadParameter(param=click.Parameter(type=click.types.IntParamType())):
            return say("{parameter} must be a whole number.", parameter=hint)
        case click.BadParameter(param=click.Parameter(type=click.Path())):
            return say("{parameter}: there is no such file or folder.", parameter=hint)
        case click.UsageError():
            return say("{detail} (see {command} --help)", detail=error.format_message(), command=_command(error))
        case _:
            return error.format_message()


def _command(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx else "netty"
