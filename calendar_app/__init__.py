"""The birthday calendar: domain, HTTP API, Mini App and operator's command.

Map, from the ground up (an arrow points to what a module may import):

    config, errors, dates, entry   the standard library (config also dotenv)
    logs                           config: masking of secrets
    texts                          Babel, dates: every sentence that a user reads
    room                           the disk: how much is free, the ballast
    embedded, database             peewee: SQLite's file; connection, transactions, migrations
    models, records, search        the tables; those of upkeep; the words that are looked for
    fields                         pydantic: what input may look like
    zones                          the edition of the time zones, which rules follow
    recipients, rules, reminders/  what holds for whom; who is reminded when; ledger and sending
    calendars                      who may do what: the only way into a calendar
    membership, quarantine         who is in a group; what is hidden, and purged in the end
    birthdays, holidays, duties    what a calendar has
    people, mentions               what else is known of a person; what the person may do about it
    exchange/, backlog, feeds      lists in and out, long ones as jobs; calendars to subscribe to
    ledger, simulation             why a reminder came or not; those of days to come, unsent
    settings, sharing, me          what a user sets, shares, owns
    greetings, greeting_jobs, cards/  texts to send, by a model too; pictures to send
    conversation, incoming         questions that are open, updates that wait
    idempotency, quotas, limits    what must not happen twice, or too often
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
