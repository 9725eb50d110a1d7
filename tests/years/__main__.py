"""Plays and judges one part by itself, and writes its report as JSON; beside it the log as a
pickle, to be judged again.

python -m tests.years REPORT [--size small|whole] [--seed N] [--part N]
"""

import argparse
import json
import pickle
import sys
import tempfile
import time
from pathlib import Path

from .play import Play
from .report import report
from .sizes import SIZES, folder


def main() -> int:
    """Tells how far it is on the way, and ends with the numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.years")
    parser.add_argument("report", type=Path)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", type=int, default=0)
    args = parser.parse_args()
    begun = time.monotonic()

    def tell(text: str) -> None:
        print(f"part {args.part}, {time.monotonic() - begun:.0f} s: {text}", flush=True)

    with tempfile.TemporaryDirectory(dir=folder()) as place:
        play = Play(Path(place), SIZES[args.size], args.seed, args.part)
        try:
            done = report(play, tell)
        finally:
            args.report.with_suffix(".log").write_bytes(pickle.dumps(play.world.log))
    args.report.write_text(json.dumps(vars(done), indent=1, ensure_ascii=False))
    tell(done.line())
    return bool(done.findings)


if __name__ == "__main__":
    sys.exit(main())
