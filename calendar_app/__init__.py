"""The birthday calendar: domain, HTTP API, Mini App and operator's command.

Map, from the ground up (an arrow points to what a module may import):

    config, errors, dates, entry   the standard library (config also dotenv)
    logs                           config: masking of secrets
    texts                          Babel, dates: every sentence that a user reads
    database, models, search       peewee: connection, transactions, migrations; tables; words
    fields                         pydantic: what input may look like
    rules, reminders               who wants to be reminded when; the ledger and the sending
    calendars                      who may do what: the only way into a calendar
    birthdays, holidays, duties    what a calendar has
    settings, sharing, me          what a user sets, shares, owns
    greetings, cards/               texts to send, pictures to send
    conversation, idempotency, quotas, limits   what must not be forgotten, or not too often
    deletions, ageing, alerts      what stays deleted, what grows too old, what operators must know
    files, snapshots, dumps, backups   copies of SQLite and PostgreSQL: made, proven, kept
    carryover, restoring           a backup in the database's place: nothing comes twice or back
    auth                           who is asking: initData, sessions
    health                         what is well and what is not
    trouble, privileges, units, hooks, tokens   one sentence; root that works as the state's owner
    status, verbs, __main__        the operator's command
    web, openapi                   Flask: declared routes served and described
    routes*, api                   HTTP to domain calls and back; answers are its shapes

Nothing here imports the package `bot`, which stands beside this one and calls the same
domain. Flask is imported in `web`, `api` and the routes only, peewee in `models` and the domain
modules only, and the environment is read in `config` only. A test keeps these rules.
"""
