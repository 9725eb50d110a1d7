"""The Bot API methods, a module for each kind. `botapi` looks them up in METHODS."""

from . import chats, files, messages, profile, updates
from .registry import METHODS, Call

__all__ = ["METHODS", "Call", "chats", "files", "messages", "profile", "updates"]
