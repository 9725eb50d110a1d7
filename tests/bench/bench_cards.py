"""What cards cost: CPU and peak memory, each kind in a process of its own.

.venv/bin/python -m tests.bench.bench_cards
"""

import resource
import subprocess
import sys
import time

from calendar_app.cards import Card, draw

KINDS = {
    "short": "Happy birthday, Ada! 🎂",
    "2000 letters": ("Пусть каждый день приносит что-то доброе и светлое. " * 50)[:2000],
    "2000 Han": "".join(chr(0x4E00 + 7 * number) for number in range(2000)),
    "2000 emoji": "".join(chr(0x1F300 + number % 700) for number in range(2000)),
    "2000 in one word": "Wعक" * 666,
    "1000 lines": "a\n" * 1000,
    "all scripts": "".join(chr(0x100 + 31 * number) for number in range(1700)),
}


def measure(kind: str) -> None:
    """Prints CPU of the first and the second card, and peak memory, of this process."""
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    card = Card("Ada Lovelace", "", "", "5 May", KINDS[kind], "https://t.me/x", "en")
    seconds = []
    for _ in range(2):
        begun = time.process_time()
        png = draw(card)
        seconds.append(time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{kind:18}{seconds[0]:8.2f} s{seconds[1]:8.2f} s{peak / 1024:8.0f} MB", end="")
    print(f"{(peak - base) / 1024:8.0f} MB{len(png) / 1024:8.0f} KB")


def main() -> None:
    """Measures one kind, or all of them."""
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    print(f"{'':18}{'first':>10}{'next':>10}{'peak':>11}{'of it drawing':>14}{'PNG':>8}")
    for kind in KINDS:
        subprocess.run([sys.executable, "-m", "tests.bench.bench_cards", kind], check=True)


if __name__ == "__main__":
    main()
