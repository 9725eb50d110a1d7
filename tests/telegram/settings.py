"""The delays of Telegram's server, in seconds, so that tests can shorten them.

The defaults are the true values; `scaled` is for tests that may not wait so long.
"""

from dataclasses import dataclass


@dataclass
class Settings:
    same_offset_wait: float = 3.0  # getUpdates with the same offset again waits at least so long
    conflict_gap: float = 3.0  # a second 409 within this time is held back for this time
    webhook_retry: float = 1.0  # the first pause after a failed webhook; doubles each time
    webhook_retry_most: float = 60.0
    webhook_timeout: float = 60.0
    callback_lifetime: float = 900.0  # after it "query is too old"
    clock_ahead: float = 0.0  # seconds that the Date header is ahead of the true time
    local: bool = True  # like `telegram-bot-api --local`: plain http and any port are allowed

    def scaled(self, pace):
        """The same settings with the server's own pauses multiplied by `pace`."""
        return Settings(
            same_offset_wait=self.same_offset_wait * pace,
            conflict_gap=self.conflict_gap * pace,
            webhook_retry=self.webhook_retry * pace,
            webhook_retry_most=self.webhook_retry_most * pace,
            webhook_timeout=self.webhook_timeout,
            callback_lifetime=self.callback_lifetime,
            clock_ahead=self.clock_ahead,
            local=self.local,
        )
