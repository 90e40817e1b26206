"""The settings: ``netty.toml`` and the environment, as one frozen object made at the start."""

from netty.config.loading import NoSettingsFile, default_settings, load_settings, settings_from
from netty.config.problems import SettingsProblems
from netty.config.remotes import checked_remote, remotes_from_toml, remotes_to_toml
from netty.config.sample import commented_settings
from netty.config.settings import Settings

__all__ = [
    "NoSettingsFile",
    "Settings",
    "SettingsProblems",
    "checked_remote",
    "commented_settings",
    "default_settings",
    "load_settings",
    "remotes_from_toml",
    "remotes_to_toml",
    "settings_from",
]
