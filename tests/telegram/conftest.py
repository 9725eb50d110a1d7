"""Gives the tests of this folder their fixtures."""

from .fixtures import anna, bot, sim, started

__all__ = ["anna", "bot", "sim", "started"]
