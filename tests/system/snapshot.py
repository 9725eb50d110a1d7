"""Every file of a machine with owner, mode and contents, to compare before and after."""

LIST = r"""
cd / && find / -xdev \( -path /root/token -o -path /mnt \) -prune -o -printf '%P\t%y %u:%g %m %l\n'
find /run /tmp /dev/shm -xdev -iname '*birthday*' -printf '%P\t%y %u:%g %m %l\n'
"""
HASHES = r"cd / && find / -xdev -path /mnt -prune -o -type f -print0 | xargs -0 sha256sum"


def taken(machine):
    """{path: what is there}, of all that outlives a reboot, and of ours in memory."""
    found = {}
    for line in machine.run(LIST).stdout.splitlines():
        path, shown = line.split("\t", 1)
        found["/" + path] = shown
    for line in machine.run(HASHES, check=False).stdout.splitlines():
        digest, path = line.lstrip("\\").split(maxsplit=1)
        found[path] = f"{found.get(path, '')} {digest}"
    return found


def differences(before, after, allowed):
    """What differs, but for the paths that start with one of `allowed`."""
    return sorted(
        f"{path}: {before.get(path, 'nothing')} -> {after.get(path, 'nothing')}"
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path) and not path.startswith(tuple(allowed))
    )
