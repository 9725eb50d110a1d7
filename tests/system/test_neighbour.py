"""Scenario 7: a site that the machine's nginx served before is served at every step, and after."""

import http.client
import threading
import time

import pytest

SCENARIO = 7
pytestmark = pytest.mark.full
SITE = """
server {
    listen 127.0.0.1:8088;
    server_name neighbour.example.org;
    access_log /var/log/nginx/neighbour.log;
    location / { return 200 "the neighbour"; }
}
"""
STEPS = {
    "install": lambda at: at.install(),
    "upgrade": lambda at: (at.change(), at.install()),
    "another port": lambda at: at.install("--https-port", "9444", "--non-interactive", *OFFLINE),
    "rollback": lambda at: at.run("birthday-calendar rollback", timeout=600),
    "uninstall": lambda at: at.install("--uninstall", "--non-interactive"),
    "install again": lambda at: at.install(),
    "purge": lambda at: at.purge(),
}
OFFLINE = ("--offline", "/mnt/wheels")


def ask():
    """Status and body, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", 8088, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.status, answer.read()


class Visitor(threading.Thread):
    """Somebody who asks the neighbour all the while, each time over a new connection."""

    def __init__(self, network):
        super().__init__()
        self.network, self.failed, self.done = network, [], 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            self.done += 1
            try:
                answer = self.network.inside(ask)
                if answer != (200, b"the neighbour"):
                    self.failed.append(repr(answer)[:100])
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            time.sleep(0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


@pytest.fixture(scope="module")
def neighbour(bare):
    bare.machine.write("/etc/nginx/conf.d/neighbour.conf", SITE)
    bare.run("nginx -t && systemctl reload nginx")
    # A reload has only begun when systemctl returns.
    bare.run("curl -s --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8088/")
    return bare


@pytest.mark.parametrize("step", STEPS)
def test_the_neighbour_is_served_during(neighbour, measured, step):
    with Visitor(neighbour.machine.network) as visitor:
        STEPS[step](neighbour)
    measured(step=step, requests=visitor.done, failed=visitor.failed[:5])
    assert visitor.done > 20
    assert visitor.failed == []


def test_a_neighbour_that_nginx_refuses_stops_the_install_before_it_changes_anything(neighbour):
    broken = "/etc/nginx/conf.d/broken.conf"
    neighbour.machine.write(broken, "this is no nginx configuration;\n")
    refused = neighbour.install(check=False)
    assert refused.returncode != 0
    assert "nginx" in refused.stdout + refused.stderr
    assert not neighbour.releases()
    neighbour.run(["rm", broken])
