"""Five simulated years of reminders, driven by fate and judged by an oracle of its own.

See README.md: the driving side does things to the product and writes a log; the judging side
knows that log and nothing of the product (a test keeps it so).
"""
