"""The table for systemd/README.md: `python -m tests.system.faults.table RESULTS/results.jsonl`.

The last result of each fault counts.
"""

import json
import sys
from pathlib import Path

COLUMNS = {
    "fault": lambda row: row["fault"],
    "requests": lambda row: row["requests"],
    "told to try later": lambda row: _by_status(row["refused"]),
    "failed": lambda row: row["failed"],
    "longest without reads, writes, health (s)": lambda row: _gaps(row["gaps"]),
    "messages to the bot": lambda row: row["messages"],
    "slowest answer (s)": lambda row: row["slowest_answer"],
    "unanswered": lambda row: row["unanswered"],
    "reminders": lambda row: row["reminders"],
    "twice": lambda row: row["reminders_doubled"],
    "skipped": lambda row: row["reminders_skipped"],
    "lost": lambda row: row["writes_lost"] + row["reminders_missing"],
    "well after (s)": lambda row: "never" if row["well_after"] is None else row["well_after"],
    "the doctor's root cause": lambda row: row["doctor"] or "–",
    "log lines": lambda row: row["log_lines"],
}


def _by_status(refused):
    return ", ".join(f"{n} × {status}" for status, n in sorted(refused.items())) or 0


def _gaps(gaps):
    # Up to a second is the pace at which they ask.
    shown = (gaps[lane] for lane in ("reads", "writes", "health"))
    return ", ".join("–" if gap < 1 else str(gap) for gap in shown)


def markdown(rows):
    """The lines of the table, for what `measured` wrote of the faults."""
    newest = {row["fault"]: row for row in rows if "fault" in row}
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    lines += [[column(row) for column in COLUMNS.values()] for row in newest.values()]
    return [f"| {' | '.join(map(str, line))} |" for line in lines] if newest else []


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text()
    print("\n".join(markdown(map(json.loads, text.splitlines()))))
