"""Every sentence that a user reads, in English and Russian, with plurals and dates.

English sentences stand in the code, marked by `N_` or passed to `say`, `html` and `count`;
`locale/ru.po` has the Russian ones. Values go in by name, after the translation.
"""

import datetime as dt
import gettext
import html as escaping
import io
from functools import cache
from pathlib import Path
from typing import Any

from babel.core import Locale, get_global
from babel.dates import format_date, get_timezone_location
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from . import dates

LANGUAGES = ("en", "ru")
LOCALE = Path(__file__).parent / "locale"


def N_(message: str) -> str:  # noqa: N802 - gettext's name for "translate this later"
    """Marks a sentence for translation where it is written but not yet said."""
    return message


def language_of(code: str, default: str = "en") -> str:
    """Our language for Telegram's `language_code` (an IETF tag such as `ru` or `pt-br`)."""
    spoken = code.lower().split("-")[0]
    return spoken if spoken in LANGUAGES else default


def say(language: str, message: str, /, **values: Any) -> str:
    """The sentence in that language, as plain text."""
    return _fill(_translations(language).gettext(message), values)


def html(language: str, message: str, /, **values: Any) -> str:
    """The sentence in that language as Telegram's HTML; the values are escaped, it is not."""
    return say(language, message, **{name: escape(value) for name, value in values.items()})


def count(language: str, one: str, many: str, n: int, /, **values: Any) -> str:
    """The sentence for `n` things, in the form that the language has for that number."""
    return _fill(_translations(language).ngettext(one, many, n), {"n": n} | values)


def escape(value: Any) -> str:
    """The value as text that Telegram's HTML shows as it is."""
    return escaping.escape(str(value), quote=False)


def person(full_name: str, telegram_id: int | None) -> str:
    """A name in Telegram's HTML; of somebody who is in Telegram one that opens their chat."""
    name = escape(full_name)
    return name if telegram_id is None else f'<a href="tg://user?id={telegram_id}">{name}</a>'


def day(language: str, month: int, day_of_month: int, year: int | None = None) -> str:
    """`10 December 1815`, `10 декабря`: a day as the language writes it."""
    date = dt.date(2000 if year is None else year, month, day_of_month)
    return format_date(date, "d MMMM" if year is None else "d MMMM y", locale=language)


def weekday(language: str, date: dt.date) -> str:
    """`Mon`, `пн`: the short name of the day of the week."""
    return format_date(date, "EEE", locale=language)


def _fill(sentence: str, values: dict[str, Any]) -> str:
    return sentence.format(**values) if values else sentence


@cache
def _translations(language: str) -> gettext.NullTranslations:
    """The catalogue, compiled in memory: the .po file is all there is to keep."""
    path = LOCALE / f"{language}.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def city(language: str, zone: str) -> str:
    """The place that a time zone is known by: `Berlin`, `Берлин`."""
    places = Locale.parse(language).time_zones
    # The locale's cities stand under names that IANA has given up since: Europe/Kiev.
    for name in (zone, *_former_names(_present_name(zone))):
        if "city" in places.get(name, {}):
            return places[name]["city"]
    return get_timezone_location(zone, locale=language, return_city=True).rpartition("/")[2]


def _present_name(zone: str) -> str:
    """The one name of a zone that has several: Europe/Kyiv for Europe/Kiev."""
    name = get_global("zone_aliases").get(zone, zone)
    return name if name in dates.zone_names() else zone


@cache
def _former_names(zone: str) -> list[str]:
    return [old for old, present in get_global("zone_aliases").items() if present == zone]


@cache
def _zone_names() -> dict[str, list[str]]:
    """Zones by every name that they are found by: `berlin`, `берлин`, `europe/berlin`."""
    found: dict[str, set[str]] = {}
    for zone in sorted(dates.zone_names()):
        if "/" not in zone or zone.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/")):
            continue
        names = {zone, _own_name(zone)}
        names |= {city(language, zone) for language in LANGUAGES}
        for name in {name.casefold() for name in names}:
            found.setdefault(name, set()).add(_present_name(zone))
    return {name: sorted(zones) for name, zones in found.items()}


def _own_name(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ").casefold()


def zones(place: str) -> list[str]:
    """IANA zones for a city as people write it, in either language; best first, maybe none."""
    for name in (place, place.strip().upper()):
        if name in dates.zone_names():
            return [name]
    wanted = " ".join(place.casefold().replace("_", " ").split())
    names = _zone_names()
    if wanted in names:
        own = [zone for zone in names[wanted] if _own_name(zone) == wanted]
        return own or names[wanted]
    if not wanted:
        return []
    begun = [found for name, found in names.items() if name.startswith(wanted)]
    return list(dict.fromkeys(zone for found in begun for zone in found))
