"""What a calendar sets for all its members, and which edition of the time zones rules follow."""

import json

WEEKDAY = "CHECK (weekly_digest BETWEEN 0 AND 6)"
STATEMENTS = f"""
ALTER TABLE calendars ADD COLUMN lead_days TEXT NOT NULL DEFAULT '[0]';
ALTER TABLE calendars ADD COLUMN weekly_digest INTEGER {WEEKDAY};
ALTER TABLE calendars ADD COLUMN monthly_digest BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE calendars ADD COLUMN quiet_from INTEGER CHECK (quiet_from BETWEEN 0 AND 1439);
ALTER TABLE calendars ADD COLUMN quiet_to INTEGER CHECK (quiet_to BETWEEN 0 AND 1439);
ALTER TABLE calendars ADD COLUMN leap_day TEXT NOT NULL DEFAULT 'feb28'
    CHECK (leap_day IN ('feb28', 'mar1'));
ALTER TABLE members ADD COLUMN lead_days TEXT;
ALTER TABLE members ADD COLUMN no_weekly BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE members ADD COLUMN no_monthly BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE members ADD COLUMN no_quiet BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE bot_state ADD COLUMN zones TEXT NOT NULL DEFAULT '';
CREATE INDEX import_rows_birthday ON import_rows (birthday_id);
CREATE INDEX ledger_recipient_planned ON ledger (recipient_id) WHERE state = 'planned'
"""
# What members chose stood in their rules alone.
CHOSEN = """
    SELECT m.id, c.kind, r.days_before FROM members m
    JOIN calendars c ON c.id = m.calendar_id JOIN users u ON u.id = m.user_id
    LEFT JOIN reminder_rules r ON r.calendar_id = c.id AND r.recipient_id = u.chat_id
        AND r.kind = 'birthday' AND NOT r.own_only
"""


def up(_migrator, db):
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement)
    leads, kinds = {}, {}
    for member_id, kind, days_before in list(db.execute_sql(CHOSEN)):
        kinds[member_id] = kind
        leads.setdefault(member_id, set()).update(() if days_before is None else (days_before,))
    update = f"UPDATE members SET lead_days = {db.param} WHERE id = {db.param}"
    for member_id, chosen in leads.items():
        if chosen != (set() if kinds[member_id] == "group" else {0}):
            db.execute_sql(update, (json.dumps(sorted(chosen)), member_id))
