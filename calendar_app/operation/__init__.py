"""Operating the service: what the operator's command does, and the upkeep at night.

    verbs, status                what each verb does; the one screen
    trouble, privileges          one sentence; root that works as the state's owner
    units, hooks, tokens         systemctl, BACKUP_HOOK, the bot token
    files, snapshots, dumps, backups   copies of SQLite and PostgreSQL: made, proven, kept
    carryover, restoring         a backup in the database's place: nothing comes twice or back
    proof, differences           what another release would send otherwise, before an upgrade
    explaining, purging, exchanging, takeover, replaced   further verbs, and what they need
    ageing                       what grows and is dropped when it is too old

May import all of calendar_app but its HTTP; beside `doctor` and `__main__` only
`opening` and `metrics` import it, for what it knows of backups.
"""
