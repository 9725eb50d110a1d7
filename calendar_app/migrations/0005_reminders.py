"""What reminders go by besides the day: a person's own wishes, who said "done", digests' rules."""

import datetime as dt
import zoneinfo

STATEMENTS = """
ALTER TABLE birthdays ADD COLUMN linked_user_id BIGINT CHECK (linked_user_id > 0);
ALTER TABLE birthdays ADD COLUMN lead_days TEXT;
ALTER TABLE birthdays ADD COLUMN muted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE birthdays ADD COLUMN skip_year INTEGER;
CREATE INDEX birthdays_own_leads ON birthdays (calendar_id) WHERE lead_days IS NOT NULL;
CREATE INDEX birthdays_linked ON birthdays (linked_user_id) WHERE linked_user_id IS NOT NULL;
ALTER TABLE reminder_rules ADD COLUMN own_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ledger ADD COLUMN first_try_at BIGINT;
CREATE INDEX ledger_calendar_planned ON ledger (calendar_id, try_at) WHERE state = 'planned';
CREATE TABLE dismissals (
    recipient_id BIGINT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    birthday_id BIGINT NOT NULL REFERENCES birthdays (id) ON DELETE CASCADE,
    year INTEGER NOT NULL,
    PRIMARY KEY (recipient_id, birthday_id, year)
);
CREATE INDEX dismissals_birthday ON dismissals (birthday_id)
"""
DIGESTS = """
    SELECT m.calendar_id, u.chat_id, m.weekly_digest, m.monthly_digest,
        COALESCE(m.timezone, c.timezone), COALESCE(m.notification_minute, c.notification_minute)
    FROM members m JOIN users u ON u.id = m.user_id JOIN calendars c ON c.id = m.calendar_id
    WHERE c.archived_at IS NULL AND (m.weekly_digest IS NOT NULL OR m.monthly_digest)
"""
RULE = """
    INSERT INTO reminder_rules
        (calendar_id, recipient_id, kind, days_before, next_date, next_due_at)
    VALUES ({p}, {p}, {p}, 0, {p}, {p})
"""


def up(_migrator, db):
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement)
    # Members could choose digests before there were any.
    soon = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    for calendar_id, chat_id, weekday, monthly, zone, minute in list(db.execute_sql(DIGESTS)):
        days = [soon + dt.timedelta(days=number) for number in range(32)]
        first = {
            "weekly": next((day for day in days if day.weekday() == weekday), None),
            "monthly": next(day for day in days if day.day == 1) if monthly else None,
        }
        time = dt.time(minute // 60, minute % 60, tzinfo=zoneinfo.ZoneInfo(zone))
        for kind, day in first.items():
            if day is not None:
                due = int(dt.datetime.combine(day, time).timestamp())
                values = (calendar_id, chat_id, kind, day.isoformat(), due)
                db.execute_sql(RULE.format(p=db.param), values)
