"""Sends what is due: several messages in flight, at Telegram's pace, each recorded as it lands.

Twelve in flight keep 30 messages a second also where an answer takes 300 ms. What a process that
was killed had in flight may go out again: at most these twelve.
"""

import logging
import os
import queue
import socket
import threading
import time

from calendar_app import membership, models, reminders
from calendar_app.config import Config
from calendar_app.membership import Check
from calendar_app.reminders import Claim, Outcome
from calendar_app.texts import N_

from .clock import Clock
from .members import Members
from .operators import Operators
from .pacing import Pace
from .sender import Sender
from .status import Episode, Status
from .trouble import UNREACHABLE

log = logging.getLogger(__name__)

IN_FLIGHT = 12
LOOK_SECONDS = 1
# After what nobody foresaw: its traceback must not fill the journal.
BROKEN_PAUSE = 10
# A chat that has to rest longer gives its place in the flight to others.
PATIENCE_SECONDS = 2
ITS_TURN = N_("Telegram asked to wait")


class Delivery:
    """Plans and sends reminders, and alerts to the operators, until the sender's `stop` is set."""

    def __init__(
        self, sender: Sender, members: Members, config: Config, status: Status, clock: Clock
    ) -> None:
        self.sender, self.members, self.clock = sender, members, clock
        self.status, self.stop = status, sender.stop
        self.language = config.default_language
        self.operators = Operators(sender, config)
        self.owner = f"{socket.gethostname()}/{os.getpid()}"
        self.pace = Pace()
        self._database = Episode("the database can be used again for reminders")
        self._claims: queue.SimpleQueue[Claim] = queue.SimpleQueue()
        self._flight = threading.Semaphore(IN_FLIGHT)
        self._gate = threading.Lock()

    def run(self) -> None:
        """Look every second, and while there is something to send without a pause."""
        for number in range(IN_FLIGHT):
            threading.Thread(target=self._fly, name=f"sender-{number}", daemon=True).start()
        pause = 0
        while not self.stop.wait(pause):
            self.status.moved("reminders")
            pause = self._turn()
        self._land()

    def _turn(self) -> int:
        """Send all that is due; returns the seconds until the next look."""
        try:
            self.operators.tell(self.clock.now())
            while not self.stop.is_set() and self.sender.free() and self._send_some():
                self.status.moved("reminders")
            self._database.ends()
        except models.Trouble as error:
            self._database.begins("reminders wait for the database: %s", error)
        except Exception:
            log.exception("sending reminders failed in an unforeseen way")
            return BROKEN_PAUSE
        return LOOK_SECONDS

    def _send_some(self) -> bool:
        """Plan, claim what there is room for in the flight and send it off; False for nothing."""
        if not self.clock.is_known():
            return False
        now = self.clock.now()
        reminders.plan(now)
        self._flight.acquire()
        places = 1 + self._further_places()
        try:
            claims = reminders.claim(now, self.owner, places, self.language)
        except BaseException:
            self._flight.release(places)
            raise
        for claim in claims:
            self._claims.put(claim)
        if len(claims) < places:
            self._flight.release(places - len(claims))
        return bool(claims)

    def _further_places(self) -> int:
        places = 0
        while places < IN_FLIGHT - 1 and self._flight.acquire(blocking=False):
            places += 1
        return places

    def _fly(self) -> None:
        """One thread of the flight: it keeps its connections to Telegram and to the database."""
        while True:
            claim = self._claims.get()
            try:
                self._record(claim, self._send(claim))
            except Exception:
                log.exception("a reminder failed in an unforeseen way")
            finally:
                self._flight.release()

    def _record(self, claim: Claim, outcome: Outcome) -> None:
        """Write down what became of it, as long as it is ours: not written, it is sent again."""
        until = time.monotonic() + reminders.LEASE_SECONDS
        while True:
            try:
                return reminders.record(claim, outcome, self.clock.now())
            except models.Trouble as error:
                if time.monotonic() > until or self.stop.wait(LOOK_SECONDS):
                    log.error("what became of a reminder cannot be recorded: %s", error)
                    return None

    def _send(self, claim: Claim) -> Outcome:
        objection = self._objection(claim)
        if objection:
            return objection
        message = claim.message
        chat_id = message.chat_id
        seconds = self._wait(chat_id)
        if seconds is not None:
            return Outcome("later", ITS_TURN, seconds)
        outcome = self.sender.send(message)
        if outcome.state == "later" and outcome.seconds:
            self.pace.hold(chat_id, time.monotonic() + outcome.seconds)
        return outcome

    def _wait(self, chat_id: int) -> int | None:
        """Wait for the moment to send; or the seconds after which to try again."""
        while not self.stop.is_set():
            rest = self.pace.rest(chat_id, time.monotonic())
            if rest > PATIENCE_SECONDS:
                return round(rest)
            self.stop.wait(rest)
            # One after the other: what a busy machine delays must not go out all at once then.
            with self._gate:
                if self.pace.rest(chat_id, time.monotonic()):
                    continue
                if not self.stop.wait(self.pace.pause(time.monotonic())):
                    self.pace.sent(chat_id, time.monotonic())
                    return None
        return 0

    def _objection(self, claim: Claim) -> Outcome | None:
        """What keeps somebody from being told of a group: they must be in it at this moment."""
        to = claim.bundle.to
        if to.group_id is None:
            return None
        inside = self.members.ask(Check(to.group_id, to.telegram_id))
        if inside is None:
            return Outcome("later", UNREACHABLE)
        return None if inside else Outcome("skipped", membership.LEFT)

    def _land(self) -> None:
        """Wait for what is in flight; whoever stops us does not wait for longer than it likes."""
        for _ in range(IN_FLIGHT):
            self._flight.acquire()
