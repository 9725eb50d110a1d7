"""What stands before the web: nginx stopped, misconfigured, besieged; its certificate expired."""

import contextlib
import resource
import socket
import ssl
import threading

from tests.system.faults.fault import DOCTOR_MENDS, Fault
from tests.system.installation import NAME, PORT

SITE = "/etc/nginx/sites-available/birthday-calendar.conf"
TLS = "/etc/birthday-calendar/tls"
# `openssl req -days` takes no number below 1.
EXPIRE = f"""
cd $(mktemp -d) && touch index.txt
printf '[ca]\\ndefault_ca=own\\n[own]\\ndatabase=index.txt\\nnew_certs_dir=.\\ndefault_md=sha256
policy=any\\nrand_serial=yes\\n[any]\\ncommonName=supplied\\n' >own.conf
openssl req -new -key {TLS}/key.pem -subj /CN={NAME} -out request
openssl ca -batch -notext -selfsign -config own.conf -keyfile {TLS}/key.pem -in request \\
    -startdate 20240101000000Z -enddate 20240201000000Z -out expired.pem
cp -a {TLS}/cert.pem /root/cert.pem && cat expired.pem >{TLS}/cert.pem
systemctl reload nginx
"""
IDLE, SLOW = 10_000, 200


class Siege:
    """Connections that say nothing, and some that say their request a byte every two seconds."""

    def __init__(self):
        self.sockets, self.ended = [], threading.Event()

    def begin(self, at):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        at.machine.network.inside(self._connect)
        threading.Thread(target=self._dribble, daemon=True).start()

    def _connect(self):
        for number in range(IDLE + SLOW):
            source = (f"127.0.5.{number % 200 + 1}", 0)
            self.sockets.append(socket.create_connection(("127.0.0.1", PORT), 10, source))

    def _dribble(self):
        context = ssl._create_unverified_context()
        slow = []
        for plain in self.sockets[IDLE:]:
            with contextlib.suppress(OSError):
                slow.append(context.wrap_socket(plain, server_hostname=NAME))
        for byte in b"GET /api/birthdays HTTP/1.1\r\nHost: somewhere":
            for each in slow:
                with contextlib.suppress(OSError):
                    each.send(bytes([byte]))
            if self.ended.wait(2):
                return

    def end(self, _at):
        self.ended.set()
        for each in self.sockets:
            each.close()


SIEGE = Siege()
FAULTS = [
    Fault(
        "nginx stopped",
        "systemctl stop nginx",
        DOCTOR_MENDS,
        cause="nginx-down",
        failed=Fault.ANY,
        away=True,
        seconds=5,
        quick=True,
    ),
    Fault(
        "nginx configuration broken, nginx restarted",
        f"cp {SITE} /root/site.conf; echo nonsense >>{SITE}; systemctl restart nginx || true",
        f"cp /root/site.conf {SITE}; systemctl restart nginx",
        cause="nginx-config-invalid",
        failed=Fault.ANY,
        away=True,
    ),
    Fault(
        "certificate expired",
        EXPIRE,
        f"cat /root/cert.pem >{TLS}/cert.pem; {DOCTOR_MENDS}",
        cause="certificate-expired",
        away=True,
        failed=80,  # nginx was reloaded twice, and each time closed the connections that it kept
    ),
    # Short of connections nginx closes idle ones, of our people too: who asks over one that is
    # being closed is not answered, and asks again. Here that counts as failed.
    Fault(
        "10,000 idle and 200 slow connections",
        SIEGE.begin,
        SIEGE.end,
        seconds=20,
        cause=None,
        away=True,
        failed=40,
    ),
]
