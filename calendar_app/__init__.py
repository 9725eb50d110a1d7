"""The birthday calendar: domain, HTTP API, Mini App and operator's command.

Map, from the ground up (an arrow points to what a module may import):

    config, errors, dates          the standard library (config also dotenv)
    logs                           config's neighbours: masking of secrets
    texts                          Babel: every sentence that a user reads
    entry                          dates: a name and a date as people type them
    models                         peewee: tables, transactions, migrations
    fields                         pydantic: what input may look like
    calendars, birthdays, reminders, ...   the domain -> all of the above
    auth                           who is asking: initData, sessions
    health                         what is well and what is not
    web, api                       Flask: HTTP to domain calls and back
    __main__                       the operator's command

Nothing here imports the package `bot`, which stands beside this one and calls the same
domain. Flask is imported in `web` and `api` only, peewee in `models` and the domain
modules only, and the environment is read in `config` only. A test keeps these rules.
"""
