"""The birthday calendar: domain, HTTP API, Mini App and operator's command.

Map, from the ground up (an arrow points to what a module may import):

    config, errors, dates, entry   the standard library (config also dotenv)
    logs                           config: masking of secrets
    texts                          Babel, dates: every sentence that a user reads
    room                           the disk: how much is free, the ballast
    embedded, database             peewee: SQLite's file; connection, transactions, migrations
    models, search                 the tables; the words that are looked for
    fields                         pydantic: what input may look like
    rules, reminders/              who wants to be reminded when; the ledger and the sending
    calendars                      who may do what: the only way into a calendar
    birthdays, holidays, duties    what a calendar has
    ledger, simulation             why a reminder came or not; those of days to come, unsent
    settings, sharing, me          what a user sets, shares, owns
    greetings, cards/               texts to send, pictures to send
    conversation, idempotency, quotas, limits   what must not be forgotten, or not too often
    deletions, alerts              what stays deleted, what operators must know
    auth                           who is asking: initData, sessions
    health, metrics                what is well and what is not; for Prometheus
    guard, growers                 watching the disk; what fills it
    opening                        the database as a server opens it: no loss in silence
    notify, served, counting       what systemd is told; requests: for the journal, in numbers
    operation/, doctor/, __main__  the operator's command: upkeep, backups, what is wrong and why
    web, openapi                   Flask: declared routes served and described
    routes*, api                   HTTP to domain calls and back; answers are its shapes

Nothing here imports the package `bot`, which stands beside this one and calls the same
domain. Flask is imported in `web`, `api` and the routes only, peewee in `models` and the domain
modules only, and the environment is read in `config` (and `notify`) only. A test keeps these rules.
"""
