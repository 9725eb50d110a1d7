"""A Debian that is booted under systemd for one test, in a network of its own.

Its disk is a layer in memory over a Debian of `roots`, mounted where no other process sees it: it
is gone with the processes, however these end.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.system import roots
from tests.world import ROOT, wait_for

CLONE = "/root/birthday-calendar"
WHEELS = "/mnt/wheels"
CLONE_NEWNET = 0x40000000
# Without this the death of the tests, also by SIGKILL, would leave a machine behind.
DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
# Control groups of its own: machines that share them kill each other's processes.
BOOT = """
scratch=$1 base=$2 disks=$3; shift 3
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t tmpfs -o size=6G,mode=755 tmpfs "$scratch"
mkdir "$scratch/changes" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=$base,upperdir=$scratch/changes,workdir=$scratch/work" \\
    overlay "$scratch/root"
for disk in $disks; do # PATH:OPTIONS, a small file system of its own that outlives a reboot
    mkdir -p "$scratch/root${disk%%:*}" "$scratch/disk"
    mount -t tmpfs -o "${disk#*:}" tmpfs "$scratch/disk"
    cp -a "$scratch/root${disk%%:*}/." "$scratch/disk/"
    mount --move "$scratch/disk" "$scratch/root${disk%%:*}"
done
hierarchies=$(ls -d /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/unified/cgroup.procs \\
    /sys/fs/cgroup/systemd/cgroup.procs 2>/dev/null || true)
group=birthday-calendar-test-$$
for procs in $hierarchies; do
    mkdir "${procs%/*}/$group"
    echo $$ >"${procs%/*}/$group/cgroup.procs"
done
trap 'ended=1; kill -TERM "$nspawn"' TERM
code=133 ended=
again=${scratch%/*}/again
while [ "$code$ended" = 133 ] || rm "$again" 2>/dev/null; do # it asks for a reboot, or was killed
    "$@" --directory="$scratch/root" &
    nspawn=$!
    code=0; wait $nspawn || code=$?
    while kill -0 $nspawn 2>/dev/null; do code=0; wait $nspawn || code=$?; done
done
for procs in $hierarchies; do
    echo $$ >"$procs"
    find "${procs%/*}/$group" -depth -type d -exec rmdir {} +
done
exit $code
"""
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "TERM=dumb",
)


class Network:
    """A network with nothing but loopback, held by a thread that lives in it."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1)
        self.inside(self._leave)
        self.inside(subprocess.run, ["ip", "link", "set", "lo", "up"], check=True)

    @staticmethod
    def _leave():
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no network namespace to be had")

    def inside(self, function, *args, **more):
        """Calls it in there: the sockets and processes that it makes belong to that network."""
        return self._thread.submit(function, *args, **more).result()

    def close(self):
        self._thread.shutdown()


class Machine:
    """One booted Debian; ends with the `with` block."""

    def __init__(self, suite, scratch, disks=None):
        """`disks` are small file systems: {folder in there: mount options of a tmpfs}."""
        self.suite, self.scratch = suite, Path(scratch)
        self.disks = disks or {}
        self.network = Network()
        self._console = (self.scratch / f"{suite}-console.log").open("ab")
        self._mounts = self.scratch / f"{suite}-mounts"
        self._mounts.mkdir()
        self._process = None
        self.leader = None

    def __enter__(self):
        try:
            self._boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _boot(self):
        nspawn = (
            *(*DIES_WITH_US, "systemd-nspawn", "--quiet", "--boot", f"--machine={self.suite}"),
            *("--register=no", "--keep-unit", "--console=passive", "--link-journal=no"),
            "--capability=CAP_NET_ADMIN",
            "--network-namespace-path=/proc/self/ns/net",
            f"--bind-ro={roots.wheelhouse()}:{WHEELS}",
        )
        apart = ("unshare", "--mount", "--propagation", "private", "sh", "-ec", BOOT, "boot")
        disks = " ".join(f"{folder}:{options}" for folder, options in self.disks.items())
        self._process = self.network.inside(
            subprocess.Popen,
            [*DIES_WITH_US, *apart, self._mounts, roots.debian(self.suite), disks, *nspawn],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            start_new_session=True,
        )
        self._wait_until_up()

    def _wait_until_up(self, before=None):
        wait_for(lambda: self._find_leader() not in (None, before), timeout=60)
        self.leader = self._find_leader()
        self.state = wait_for(self._settled, timeout=120, step=0.1)

    def _find_leader(self):
        """The process id of its init, None while there is none."""
        assert self._process.poll() is None, f"it ended: see {self._console.name}"
        for child in children(self._process.pid):
            for leader in children(child):
                if comm(child) == "systemd-nspawn" and comm(leader) == "systemd":
                    return leader
        return None

    def _settled(self):
        state = self.run("systemctl is-system-running", check=False).stdout.strip()
        return state if state in ("running", "degraded") else None

    def command(self, command):
        """The argument list that runs these words, or this line of shell, in there."""
        words = ["bash", "-c", command] if isinstance(command, str) else map(str, command)
        # Dead before the machine ends: a stopped nsenter would hold up its shutdown.
        enter = (
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            "nsenter",
            "-t",
            str(self.leader),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "--",
        )
        return [*enter, "env", "-i", *ENVIRONMENT, *words]

    def run(self, command, check=True, timeout=300, **more):
        """Runs it as root to its end; stdout and stderr are text. AssertionError if it fails."""
        words = ["bash", "-c", command] if isinstance(command, str) else command
        limited = self.command(["timeout", "--kill-after=5", str(timeout), *words])
        done = subprocess.run(limited, capture_output=True, text=True, errors="replace", **more)
        if check and done.returncode:
            raise AssertionError(
                f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def start(self, command, **more):
        """Starts it; returns its Popen, in a session of its own."""
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | more
        return subprocess.Popen(self.command(command), start_new_session=True, **more)

    def read(self, path):
        """A file's text."""
        return self.run(["cat", path]).stdout

    def write(self, path, text, mode="0644"):
        """Writes a file and the folders above it."""
        self.run(f"mkdir -p $(dirname {path}) && umask 077 && cat >{path}", input=text)
        self.run(["chmod", mode, path])

    def copy_clone(self):
        """The files of this clone, new ones included, as a person would have cloned them."""
        listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
        names = b"\0".join(n for n in names.split(b"\0") if n and (ROOT / os.fsdecode(n)).exists())
        pack = ("tar", "-c", "--owner=0", "--group=0", "--null", "--files-from=-")
        packed = subprocess.run(pack, cwd=ROOT, input=names, capture_output=True, check=True)
        self.run(["mkdir", "-p", CLONE])
        unpack = self.command(["tar", "-x", "-C", CLONE])
        subprocess.run(unpack, input=packed.stdout, check=True)

    def reboot(self):
        """Reboots it; returns when it is up again."""
        before = self.leader
        self.run("systemctl reboot", check=False)
        wait_for(lambda: not Path(f"/proc/{before}").exists(), timeout=90)
        self._wait_until_up(before)

    def crash(self):
        """Kills all of it at once, as a power cut would, and boots it again from the same disk."""
        before = self.leader
        (self.scratch / "again").touch()
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{before}").exists(), timeout=90)
        self._wait_until_up(before)

    def close(self):
        """Powers it off, and does not leave before all of it is gone."""
        if self._process is not None:
            self._power_off()
            self._process.wait()
        self.network.close()
        self._console.close()
        self._mounts.rmdir()

    def _power_off(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for nspawn in children(self._process.pid):
                for pid in [nspawn] if number == signal.SIGTERM else [*children(nspawn), nspawn]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(60)
                return


def children(pid):
    """The process ids of its children, none if it is gone."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def comm(pid):
    """The process's name, empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
