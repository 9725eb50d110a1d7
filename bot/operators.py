"""Alerts on their way to the operators: each to every id in ADMIN_TELEGRAM_IDS, once."""

import logging

from calendar_app import alerts, settings
from calendar_app.calendars import Account
from calendar_app.config import Config
from calendar_app.reminders import Message

from .sender import Sender

log = logging.getLogger(__name__)

# An operator who cannot be reached now must not keep the reminders waiting each second.
PAUSE_SECONDS = 60


class Operators:
    """Remembers whom an alert reached while it waits for the others."""

    def __init__(self, sender: Sender, config: Config) -> None:
        self.sender = sender
        self.config = config
        self._reached: set[tuple[int, int]] = set()
        self._not_before = 0

    def tell(self, now: int) -> None:
        """Send what they have not been sent; whoever cannot be reached now is tried again."""
        if now < self._not_before:
            return
        for alert in alerts.unsent():
            wanted = {(alert.id, admin) for admin in self.config.admin_telegram_ids}
            for _, admin in sorted(wanted - self._reached):
                # While Telegram is away, one after the other would wait for it in vain.
                if self.sender.free():
                    self._send(alert, admin)
            if wanted <= self._reached:
                alerts.sent(alert.id, now)
                self._reached -= wanted
            else:
                self._not_before = now + PAUSE_SECONDS

    def _send(self, alert: alerts.Alert, admin: int) -> None:
        language = settings.language(Account(admin), self.config.default_language)
        outcome = self.sender.send(Message(admin, alerts.html(language, alert)))
        if outcome.state == "later":
            return
        self._reached.add((alert.id, admin))
        if outcome.state != "sent":
            log.warning("operator %s cannot be told: %s", admin, outcome.reason)
