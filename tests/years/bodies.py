"""Wishes and people as the API takes them: the names and forms of the contract."""

from typing import Any

Body = dict[str, Any]


def as_settings(wished: Body) -> Body:
    """Wishes as the body of a change of settings."""
    names = {"zone": "timezone", "weekly": "weekly_digest", "monthly": "monthly_digest"}
    body = {names.get(name, name): value for name, value in wished.items()}
    if "minute" in body:
        body["notification_time"] = _time(body.pop("minute"))
    if "leads" in body:
        body["lead_days"] = sorted(body.pop("leads"))
    if "quiet" in body:
        begin, end = body.pop("quiet") or (None, None)
        body |= {"quiet_from": _time(begin), "quiet_to": _time(end)}
    return body


def _time(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def as_birthday(values: Body) -> Body:
    """What is known of a person as the body of a birthday, or of a part of one."""
    names = {"name": "full_name", "leads": "lead_days", "linked": "linked_user_id"}
    body = {names.get(name, name): value for name, value in values.items() if name != "number"}
    if "month" in body:
        year, month, day = (body.pop(name) for name in ("year", "month", "day"))
        body["birth_date"] = f"{'-' if year is None else f'{year:04}'}-{month:02}-{day:02}"
    if body.get("lead_days") is not None:
        body["lead_days"] = sorted(body["lead_days"])
    return body
