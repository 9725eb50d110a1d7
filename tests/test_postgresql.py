"""The same tests of API, sharing and reminders once more, on a real PostgreSQL."""

import pytest

from calendar_app import api, models
from tests import test_api, test_panel, test_reminders, test_sharing
from tests.test_reminders import Life, at
from tests.world import settings

# Their tests, but not what starts processes or only repeats what no database has a part in.
globals().update(
    {
        name: test
        for module in (test_api, test_panel, test_reminders, test_sharing)
        for name, test in vars(module).items()
        if name in ("family", "crowd") or (name.startswith("test_") and callable(test))
    }
)
del globals()["test_the_real_bot_sends_what_is_due"]
del globals()["test_a_card_is_a_picture"]
del globals()["test_the_months_of_1900_to_2100_have_the_days_that_exist"]


@pytest.fixture
def app(tmp_path, clock, as_new):
    yield api.create_app(settings(tmp_path, DATABASE_URL=as_new), clock)
    models.disconnect()


@pytest.fixture
def begin(tmp_path, clock, as_new):
    def start(text, **environment):
        clock.now = at(text)
        config = settings(tmp_path, DATABASE_URL=as_new, **environment)
        models.connect(config.database_url)
        models.migrate()
        return Life(config, clock)

    yield start
    models.disconnect()
