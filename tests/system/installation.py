"""The service on a machine, as its operator and its users meet it."""

import json
import shlex
import time

import httpx

from tests.system.machine import CLONE, WHEELS
from tests.telegram.initdata import signed
from tests.telegram.simulator import Simulator
from tests.world import PEOPLE, TOKEN, init_data

NAME, PORT, TELEGRAM_PORT = "calendar.example.org", 9443, 8081
URL = f"https://127.0.0.1:{PORT}"
OPTIONS = (
    *("--domain", NAME, "--https-port", PORT, "--token-file", "/root/token"),
    *("--offline", WHEELS, "--non-interactive"),
)
HEALTH = '{"status":"ok","service":"Telegram Birthday Calendar API","message":"API is running"}'
ENV = f"""# Written by hand before the first install.
TELEGRAM_API_URL=http://127.0.0.1:{TELEGRAM_PORT}
"""
WEB, BOT = "birthday-calendar-web", "birthday-calendar-bot"


class Installation:
    """A clone on a machine with Telegram beside it; `install()` makes it a service."""

    def __init__(self, machine):
        self.machine, self.run = machine, machine.run
        self.telegram = machine.network.inside(Simulator, TELEGRAM_PORT, pace=0.05)
        self.telegram.add_bot(TOKEN)
        self.alice = self.telegram.add_user("Alice", PEOPLE["Alice"])
        self.http = httpx.Client(base_url=URL, verify=False, timeout=60, headers={"Host": NAME})
        machine.copy_clone()
        machine.write("/etc/birthday-calendar/env", ENV, "0600")
        machine.write("/root/token", TOKEN + "\n", "0600")

    def close(self):
        """Ends Telegram; the machine is another's to end."""
        self.http.close()
        self.telegram.close(quiet=True)

    def install_command(self, *options, **variables):
        """The shell line that installs or upgrades."""
        line = shlex.join(map(str, [f"{CLONE}/scripts/install.sh", *(options or OPTIONS)]))
        return " ".join([*(f"{k}={shlex.quote(str(v))}" for k, v in variables.items()), line])

    def install(self, *options, check=True, **variables):
        """Runs install.sh, by default as a first install would be; returns what it printed."""
        return self.run(self.install_command(*options, **variables), check=check, timeout=600)

    def purge(self):
        return self.install("--uninstall", "--purge", "--non-interactive")

    def change(self, path="calendar_app/__init__.py", text="# Another release: {}\n"):
        """Appends to a file of the clone, so that the next install is an upgrade."""
        self.run(["tee", "-a", f"{CLONE}/{path}"], input=text.format(time.time_ns()))

    def version(self):
        """The release that `current` names, empty if there is none."""
        link = "/opt/birthday-calendar/current"
        return self.run(f"basename $(readlink {link})", check=False).stdout.strip()

    def releases(self):
        """The names of all that lies in releases/, hidden ones too."""
        listed = self.run("ls -A /opt/birthday-calendar/releases", check=False).stdout
        return sorted(listed.split())

    def request(self, method, path, person=None, **more):
        """A request through nginx, signed by that person."""
        headers = {"X-Init-Data": init_data(person)} if person else {}
        return self.machine.network.inside(self.http.request, method, path, headers=headers, **more)

    def names(self, user_id):
        """The names of all birthdays in the calendar of the user with that Telegram id."""
        headers = {"X-Init-Data": signed(TOKEN, {"id": user_id, "first_name": "Writer"})}
        answer = self.machine.network.inside(self.http.get, "/api/birthdays", headers=headers)
        assert answer.status_code == 200, answer.text
        return [row["full_name"] for row in answer.json()]

    def answers(self):
        """Whether it is healthy through nginx."""
        try:
            return self.request("GET", "/health").text == HEALTH
        except httpx.TransportError:
            return False

    def property(self, unit, name):
        """One property of a unit, as systemctl shows it."""
        return self.run(["systemctl", "show", "--value", "-p", name, unit]).stdout.strip()

    def main_pid(self, unit):
        """The unit's main process, as seen in the machine."""
        return int(self.property(unit, "MainPID"))

    def workers(self):
        """The process ids of gunicorn's workers."""
        master = self.main_pid(WEB)
        return self.run(["pgrep", "-P", master]).stdout.split()

    def bot_greets(self):
        """Alice writes to the bot and is answered."""
        self.alice.send("/start")
        return self.alice.wait_for_message()

    def journal(self, unit):
        """All that a unit wrote since the machine was made."""
        return self.run(["journalctl", "--no-pager", "-o", "cat", "-u", unit]).stdout

    def facts(self):
        """What systemd thinks of our units, for the message of a failing test."""
        return self.run("systemctl list-units --all 'birthday-calendar*' --no-pager").stdout


def parsed(text):
    """The last line of output, as JSON."""
    return json.loads(text.strip().splitlines()[-1])
