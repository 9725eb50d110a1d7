"""Kinds of reminders, what changes meanwhile and who is in a group, on a real PostgreSQL."""

from tests import test_membership, test_reminders_changes, test_reminders_kinds
from tests.test_postgresql import app, begin  # noqa: F401 - fixtures

globals().update(
    {
        name: test
        for module in (test_membership, test_reminders_changes, test_reminders_kinds)
        for name, test in vars(module).items()
        if name in ("group", "address") or (name.startswith("test_") and callable(test))
    }
)
