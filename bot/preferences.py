"""The conversation of /settings: language, time zone, time of the reminders."""

import datetime as dt
from dataclasses import replace

from calendar_app import calendars, conversation, dates, settings, texts
from calendar_app.errors import Invalid

from .replies import Button, Menu, Reply, column, grid
from .talk import Talk

TIMES = ("07:00", "08:00", "09:00", "10:00", "12:00", "15:00", "18:00", "20:00", "22:00")
ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Kyiv",
    "Europe/Moscow",
    "Asia/Yekaterinburg",
    "Asia/Novosibirsk",
    "Asia/Dubai",
    "Asia/Kolkata",
    "America/New_York",
    "America/Los_Angeles",
)
LANGUAGE_NAMES = {"en": "English", "ru": "Русский"}


def show(talk: Talk) -> list[Reply]:
    """`/settings`: what holds now, and buttons to change it."""
    access = calendars.enter(talk.account.telegram_id, talk.access.calendar_id)
    local = dt.datetime.fromtimestamp(talk.now, dates.zone(access.timezone))
    lines = [
        talk.say("⚙️ <b>Settings</b>"),
        talk.say("Reminders come at {time}", time=_clock(access.notification_minute)),
        talk.say(
            "Time zone: {zone} (it is {time} there)", zone=access.timezone, time=f"{local:%H:%M}"
        ),
        talk.say("Language: {language}", language=LANGUAGE_NAMES[talk.language]),
    ]
    buttons = (
        Button(talk.label("🕘 Time of reminders"), "times"),
        Button(talk.label("🌍 Time zone"), "zones"),
        *(Button(name, f"language:{code}") for code, name in LANGUAGE_NAMES.items()),
    )
    return talk.reply("\n".join(lines), column(*buttons))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def times(talk: Talk) -> list[Reply]:
    """Offer times of the day; any other may be typed."""
    _ask(talk, "time")
    buttons = [Button(time, f"time:{time}") for time in TIMES]
    question = talk.say("When should reminders come? Press a time or write one, such as 09:30.")
    return talk.reply(question, grid(buttons, 3))


def time(talk: Talk) -> list[Reply]:
    """A time was pressed or typed."""
    try:
        _change(talk, notification_time=talk.text.strip())
    except Invalid:
        return talk.reply(talk.say("Write a time of the day, such as 09:30."), ask=True)
    return _done(talk)


def zones(talk: Talk) -> list[Reply]:
    """Offer time zones; a city may be typed."""
    _ask(talk, "zone")
    question = talk.say("Where are you? Press a place, or write a city, such as Lisbon.")
    return talk.reply(question, _zone_buttons(talk, list(ZONES)))


def zone(talk: Talk) -> list[Reply]:
    """A zone was pressed, or a city typed."""
    found = texts.zones(talk.text)
    if len(found) == 1:
        _change(talk, timezone=found[0])
        return _done(talk)
    if not found:
        sentence = talk.say("No time zone is known for {place}. Write a larger city nearby.",
                            place=talk.text[:100])  # fmt: skip
        return talk.reply(sentence, ask=True)
    return talk.reply(talk.say("Which of these?"), _zone_buttons(talk, found[:12]))


def _zone_buttons(talk: Talk, names: list[str]) -> tuple[tuple[Button, ...], ...]:
    label = texts.city
    return grid([Button(label(talk.language, name), f"zone:{name}") for name in names], 2)


def language(talk: Talk) -> list[Reply]:
    """A language was pressed."""
    if talk.text not in texts.LANGUAGES:
        return []
    settings.change(talk.access, {"language": talk.text}, talk.now)
    answer = show(replace(talk, language=talk.text))
    return answer if talk.in_group else [*answer, Menu(talk.chat_id, talk.text)]


def heard(talk: Talk, step: str) -> list[Reply]:
    """The answer to a question that was asked in this conversation."""
    return time(talk) if step == "time" else zone(talk)


def _change(talk: Talk, **values: str) -> None:
    """In a group for the group, else for oneself."""
    change = settings.change_calendar if talk.in_group else settings.change
    change(talk.access, values, talk.now)


def _ask(talk: Talk, step: str) -> None:
    conversation.ask(talk.chat_id, talk.account.telegram_id, f"settings/{step}", {}, talk.now)


def _done(talk: Talk) -> list[Reply]:
    conversation.forget(talk.chat_id, talk.account.telegram_id)
    return show(talk)
