"""What can go wrong, each thing brought about on a booted machine under load and chat traffic.

`fault` says what a fault is; `disks`, `telegram`, `processes`, `front`, `database`, `clocks` are
the faults. `row` plays one while `people` (HTTP), `chat` (the bot) and `recipients` (reminders)
go on, and says what they saw; `table` makes the table for systemd/README.md of it.
"""
