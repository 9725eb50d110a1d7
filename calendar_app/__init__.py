"""The birthday calendar: domain, HTTP API, Mini App and operator's command.

Map, from the ground up (an arrow points to what a module may import):

    config, errors, dates, entry   the standard library (config also dotenv)
    logs                           config: masking of secrets
    texts                          Babel, dates: every sentence that a user reads
    models, search                 peewee: tables, transactions, migrations; finding by words
    fields                         pydantic: what input may look like
    rules, reminders               who wants to be reminded when; the ledger and the sending
    calendars                      who may do what: the only way into a calendar
    birthdays, holidays, duties    what a calendar has
    settings, sharing, me          what a user sets, shares, owns
    greetings, cards/               texts to send, pictures to send
    conversation, idempotency, quotas, limits   what must not be forgotten, or not too often
    auth                           who is asking: initData, sessions
    health                         what is well and what is not
    web, openapi                   Flask: declared routes served and described
    routes*, api                   HTTP to domain calls and back; answers are its shapes

Nothing here imports the package `bot`, which stands beside this one and calls the same
domain. Flask is imported in `web`, `api` and the routes only, peewee in `models` and the domain
modules only, and the environment is read in `config` only. A test keeps these rules.
"""
