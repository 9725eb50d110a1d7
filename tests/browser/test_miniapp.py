"""The Mini App as a person uses it: a real Chromium, the real API, initData that is really signed.

Each test is a new Telegram user with an empty calendar. No test may leave an error on the console
or ask anything of another origin.
"""

import calendar
import datetime as dt
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.request
from urllib.parse import urlencode

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from tests.telegram import initdata
from tests.world import ROOT, TOKEN, free_port, wait_for

THEMES = json.loads((ROOT / "tests/telegram/page/themes.json").read_text())
USER_IDS = itertools.count(1000)
TODAY = dt.date(2027, 5, 6)  # a Thursday
HOST = """<!doctype html><iframe id="app" style="width:100%;height:800px;border:0"></iframe>
<script>
  window.events = [];
  const frame = document.querySelector("iframe");
  addEventListener("message", (event) => events.push(JSON.parse(event.data)));
  window.tell = (eventType, eventData) =>
    frame.contentWindow.postMessage(JSON.stringify({eventType, eventData}), "*");
  frame.src = location.search.slice(1) + location.hash;
</script>"""


class Site:
    """The web API with the Mini App in front, which can be stopped and started again."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.process = None

    def start(self):
        settings = {"TELEGRAM_BOT_TOKEN": TOKEN, "VAR_DIR": self.folder, "ENV_FILE": "/dev/null"}
        command = ["-m", "gunicorn", "scripts.front:wsgi()", "--bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, *command, "--threads", "4", "--no-control-socket"],
            cwd=ROOT,
            env={**os.environ, **settings},
        )
        wait_for(self._answers)

    def _answers(self):
        assert self.process.poll() is None, "the web API did not start"
        try:
            return urllib.request.urlopen(f"{self.url}/health", timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Person:
    """A Telegram user: their initData, what they keep by the API, and the pages they open."""

    def __init__(self, site, browser, language="en"):
        self.site, self.browser, self.language = site, browser, language
        account = {"id": next(USER_IDS), "first_name": "Alice", "language_code": language}
        self.init_data = initdata.signed(TOKEN, account)
        self.call("POST", "/api/auth/verify", {"init_data": self.init_data})
        self.complaints = []
        self.expected = []

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Init-Data": self.init_data, "Content-Type": "application/json"}
        asked = urllib.request.Request(self.site.url + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def keep(self, full_name, birth_date, **more):
        body = {"full_name": full_name, "birth_date": birth_date, **more}
        return self.call("POST", "/api/birthdays", body)

    def kept(self):
        return self.call("GET", "/api/birthdays")

    def fragment(self, theme="light", version="8.0"):
        return "#" + urlencode(
            {
                "tgWebAppData": self.init_data,
                "tgWebAppVersion": version,
                "tgWebAppPlatform": "web",
                "tgWebAppThemeParams": json.dumps(THEMES[theme]),
            }
        )

    def page(self, locale=None, **settings):
        """An empty page that notes every error and every request to elsewhere."""
        locale = locale or {"ru": "ru-RU"}.get(self.language, "en-US")
        size = {"width": 390, "height": 844}
        context = self.browser.new_context(locale=locale, viewport=size, **settings)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.clock.set_fixed_time(dt.datetime.combine(TODAY, dt.time(12)))
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._note_elsewhere)
        return page

    def open(self, locale=None, theme="light", **settings):
        page = self.page(locale, **settings)
        page.goto(f"{self.site.url}/{self.fragment(theme)}")
        expect(page.locator(".skeleton")).to_have_count(0)
        return page

    def open_in_telegram(self, version="8.0"):
        """The same inside a page that plays Telegram Web; returns it and the app's frame."""
        page = self.page()
        page.route(
            re.compile(r"/host\?"), lambda route: route.fulfill(body=HOST, content_type="text/html")
        )
        page.goto(f"{self.site.url}/host?/{self.fragment(version=version)}")
        app = page.frame_locator("#app")
        expect(app.locator(".skeleton")).to_have_count(0)
        return page, app

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def _note_elsewhere(self, request):
        if not request.url.startswith(self.site.url):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def unexpected(self):
        return [
            text for text in self.complaints if not any(re.search(e, text) for e in self.expected)
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("miniapp")))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def browser():
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser
        browser.close()


@pytest.fixture
def people(site, browser):
    """Makes Telegram users; at the end none of them has seen an error."""
    made = []

    def make(language="en"):
        made.append(Person(site, browser, language))
        return made[-1]

    yield make
    for context in browser.contexts:
        context.close()
    assert [person.unexpected() for person in made] == [[] for _ in made]


@pytest.fixture
def alice(people):
    return people()


def last(page, event_type):
    """The data of the last event of this type that the app sent to the page around it."""
    found = page.evaluate(
        "t => events.filter(e => e.eventType === t).at(-1)?.eventData", event_type
    )
    return found or {}


def fill_form(app, name, day="", month="", year=""):
    app.get_by_label("Name").fill(name)
    app.get_by_label("Day").fill(day)
    app.get_by_label("Month", exact=True).select_option(month)
    app.get_by_label("Year").fill(year)


def grid(page):
    """The month on the page as {day: heading of its column}."""
    return page.evaluate(
        """() => {
          const heads = [...document.querySelectorAll(".grid th")].map((th) => th.abbr);
          const cells = [...document.querySelectorAll(".grid td")];
          return Object.fromEntries(cells.filter((td) => td.textContent)
            .map((td, i) => [td.querySelector(".number").textContent, heads[td.cellIndex]]));
        }"""
    )


ENGLISH = list(calendar.day_name)
RUSSIAN = [
    "Понедельник", "Вторник", "Среда", "Четверг", "Пятница", "Суббота", "Воскресенье",
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "locale", "names", "first"),
    [
        ("en", "en-US", ENGLISH, "Sunday"),
        ("en", "en-GB", ENGLISH, "Monday"),
        ("ru", "ru-RU", RUSSIAN, "Понедельник"),
        ("ru", "en-US", RUSSIAN, "Понедельник"),
    ],
)
def test_every_day_of_two_years_stands_under_its_weekday(people, language, locale, names, first):
    page = people(language).open(locale)
    expect(page.locator(".grid th").first).to_have_attribute("abbr", first)
    year, month = TODAY.year, TODAY.month
    for _ in range(24):
        days = range(1, calendar.monthrange(year, month)[1] + 1)
        expected = {str(day): names[calendar.weekday(year, month, day)] for day in days}
        assert grid(page) == expected, f"{year}-{month}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        page.locator(".next").click()
        expect(page.locator(f'[data-date="{year}-{month:02}-01"]')).to_be_visible()


def test_month_titles_are_in_the_language_and_never_in_the_genitive(people):
    english, russian = people("en").open(), people("ru").open()
    expect(english.get_by_role("heading", level=1)).to_have_text("May 2027")
    expect(russian.get_by_role("heading", level=1)).to_have_text("Май 2027")
    russian.get_by_label("Следующий месяц").click()
    expect(russian.get_by_role("heading", level=1)).to_have_text("Июнь 2027")


def test_today_is_marked_and_one_press_away(alice):
    page = alice.open()
    expect(page.locator("[aria-current=date]")).to_have_attribute("data-date", "2027-05-06")
    expect(page.get_by_role("button", name="Today")).to_be_hidden()
    for _ in range(3):
        page.get_by_label("Previous month").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("February 2027")
    page.get_by_role("button", name="Today").click()
    expect(page.locator("[aria-current=date]")).to_be_focused()


@pytest.mark.parametrize(("year", "side"), [(1, "Previous month"), (9999, "Next month")])
def test_the_calendar_ends_with_the_years_1_and_9999(alice, year, side):
    month = 1 if year == 1 else 12
    page = alice.open()
    route = {"route": {"screen": "month", "year": year, "month": month}, "depth": 0}
    page.evaluate("state => history.replaceState(state, '')", route)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(year))
    expect(page.get_by_label(side)).to_be_disabled()
    assert grid(page)["1"] == ENGLISH[calendar.weekday(year, month, 1)]


def test_a_swipe_turns_the_month(alice):
    page = alice.open(has_touch=True)
    swipe = """([from, to]) => {
      const board = document.querySelector(".board");
      const touch = (x) => new Touch({identifier: 1, target: board, clientX: x, clientY: 300});
      const send = (type, x, touches) => board.dispatchEvent(new TouchEvent(type,
        {touches, changedTouches: [touch(x)], bubbles: true, cancelable: true}));
      send("touchstart", from, [touch(from)]);
      send("touchend", to, []);
    }"""
    page.evaluate(swipe, [300, 100])
    expect(page.get_by_role("heading", level=1)).to_have_text("June 2027")
    page.evaluate(swipe, [100, 300])
    page.evaluate(swipe, [100, 110])
    expect(page.get_by_role("heading", level=1)).to_have_text("May 2027")


def test_a_person_added_on_a_day_is_found_on_that_day_with_their_age(alice):
    page = alice.open()
    page.get_by_label("May 20, Thursday").click()
    page.get_by_role("button", name="Add a birthday").click()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Day")).to_have_value("20")
    expect(page.get_by_label("Month", exact=True)).to_have_value("5")
    page.get_by_label("Name").fill("  Ada Lovelace ")
    page.get_by_label("Year").fill("1990")
    expect(page.get_by_text("36 years old now")).to_be_visible()
    page.get_by_label("Company").fill("Analytical Engines")
    page.get_by_label("Comment").fill("Likes numbers.\nNo gin.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved: Ada Lovelace")).to_be_visible()
    card = page.locator(".person")
    expect(card).to_contain_text("Ada Lovelace")
    expect(card).to_contain_text("will turn 37")
    expect(card).to_contain_text("Analytical Engines")
    expect(card).to_contain_text("No gin.")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("May 20, Thursday, 1 birthday")).to_be_visible()
    (row,) = alice.kept()
    assert (row["full_name"], row["birth_date"]) == ("Ada Lovelace", "1990-05-20")


def test_29_february_is_shown_on_a_day_that_exists(alice):
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "Leap", "29", "2", "2001")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("There is no 29 February in 2001")).to_be_visible()
    page.get_by_label("Year").fill("2000")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".screen-month")).to_be_visible()
    for _ in range(3):
        page.get_by_label("Previous month").click()
    expect(page.get_by_label("February 28, Sunday, 1 birthday")).to_be_visible()
    assert "29" not in grid(page)
    page.get_by_label("February 28, Sunday").click()
    expect(page.locator(".person")).to_contain_text("turned 27")


def test_the_year_may_stay_unknown(alice):
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "Bob", "29", "2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".screen-month")).to_be_visible()
    assert alice.kept()[0]["birth_date"] == "--02-29"
    page.get_by_role("button", name="People").click()
    expect(page.locator(".row", has_text="Bob")).not_to_contain_text("turn")


def test_editing_changes_one_thing_and_keeps_the_rest(alice):
    alice.keep("Carol", "1980-05-06", company="Old Ltd", comment="x", responsible="Dave")
    page = alice.open()
    page.locator("[aria-current=date]").click()
    expect(page.locator(".person")).to_contain_text("turns 47")
    page.locator(".person button").click()
    page.get_by_label("Company").fill("")
    page.get_by_label("Day").fill("")
    expect(page.get_by_label("Year")).to_have_value("1980")
    expect(page.get_by_label("Month", exact=True)).to_have_value("5")
    page.get_by_label("Day").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nobody has a birthday on this day.")).to_be_visible()
    (row,) = alice.kept()
    assert row["birth_date"] == "1980-05-07"
    assert (row["company"], row["comment"], row["responsible"]) == ("", "x", "Dave")


def test_deleting_asks_first(alice):
    alice.keep("Eve", "1980-05-06")
    page = alice.open()
    page.get_by_role("button", name="People").click()
    page.locator(".row", has_text="Eve").click()
    page.get_by_role("button", name="Delete this birthday").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert len(alice.kept()) == 1
    page.get_by_role("button", name="Delete this birthday").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nobody is here yet.")).to_be_visible()
    assert alice.kept() == []


def test_somebody_elses_change_is_shown_before_it_is_overwritten(alice):
    alice.expected.append("412")
    row = alice.keep("Frank", "1980-05-06")
    page = alice.open()
    page.get_by_role("button", name="People").click()
    page.locator(".row", has_text="Frank").click()
    page.get_by_label("Comment").fill("mine")
    alice.call("PUT", f"/api/birthdays/{row['id']}", {**row, "comment": "theirs"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("theirs")
    expect(page.get_by_label("Comment")).to_have_value("mine")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator(".screen-list")).to_be_visible()
    assert alice.kept()[0]["comment"] == "mine"


def test_what_somebody_deleted_meanwhile_can_be_added_again(alice):
    alice.expected.append("404")
    row = alice.keep("Gone", "1980-05-06")
    page = alice.open()
    page.get_by_role("button", name="People").click()
    page.locator(".row", has_text="Gone").click()
    page.get_by_label("Comment").fill("still here")
    alice.call("DELETE", f"/api/birthdays/{row['id']}")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Add it again").click()
    expect(page.locator(".screen-list")).to_be_visible()
    assert alice.kept()[0]["comment"] == "still here"


def test_the_search_forgives_case_and_yo(people):
    boris = people("ru")
    boris.keep("Семён Ёлкин", "1990-05-07", company="Ромашка")
    boris.keep("Пётр Зайцев", "1990-05-08", position="Лётчик")
    boris.keep("Zoë Müller", "1990-05-09")
    page = boris.open()
    page.get_by_role("button", name="Люди").click()
    rows = page.locator(".results .row-title")
    expect(rows).to_have_count(3)
    for query, found in [
        ("елкин", ["Семён Ёлкин"]),
        ("СЕМЕН  ромаш", ["Семён Ёлкин"]),
        ("летчик", ["Пётр Зайцев"]),
        ("muller zoe", ["Zoë Müller"]),
        ("зайцЕВ", ["Пётр Зайцев"]),
    ]:
        page.get_by_label("Поиск людей").fill(query)
        expect(rows).to_have_text(found)
    page.get_by_label("Поиск людей").fill("%_'")
    expect(page.get_by_text("По запросу «%_'» никто не найден.")).to_be_visible()
    page.get_by_label("Очистить поиск").click()
    expect(rows).to_have_count(3)


def test_a_long_list_comes_in_parts_and_is_searched_whole(alice):
    for number in range(120):
        alice.keep(f"Person {number:03}", f"1990-{number % 12 + 1:02}-{number % 28 + 1:02}")
    page = alice.open()
    page.get_by_role("button", name="People").click()
    rows = page.locator(".results .row")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(120)
    names = page.locator(".results .row-title").all_text_contents()
    assert names == [row["full_name"] for row in alice.kept()]
    page.get_by_label("Search people").fill("person")
    expect(rows).to_have_count(50)
    page.get_by_label("Search people").fill("119")
    expect(page.locator(".results .row-title")).to_have_text(["Person 119"])


@pytest.mark.parametrize(
    ("language", "day", "name", "wrong_year", "none"),
    [
        ("en", "This month has only 30 days.", "Enter a name.", "four digits", "Enter the day."),
        ("ru", "только 30 дней.", "Введите имя.", "четырьмя цифрами", "Введите день."),
    ],
)
def test_mistakes_are_explained_under_their_fields(people, language, day, name, wrong_year, none):
    page = people(language).open()
    page.locator(".add").click()
    page.locator("#month").select_option("4")
    page.locator("#day").fill("")
    page.locator("[type=submit]").click()
    expect(page.locator("#full_name-error")).to_have_text(name)
    expect(page.locator("#birth_date-error")).to_have_text(none)
    expect(page.locator("#full_name")).to_be_focused()
    expect(page.locator("#full_name")).to_have_attribute("aria-invalid", "true")
    page.locator("#full_name").fill("x" * 201)
    page.locator("#day").fill("31")
    page.locator("#year").fill("85")
    page.locator("[type=submit]").click()
    expect(page.locator("#full_name-error")).to_contain_text("200")
    expect(page.locator("#birth_date-error")).to_contain_text(wrong_year)
    page.locator("#year").fill("1985")
    page.locator("[type=submit]").click()
    expect(page.locator("#birth_date-error")).to_contain_text(day)


def test_a_birth_in_the_future_is_refused_before_it_is_sent(alice):
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "Later", "8", "5", "2027")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The date of birth is in the future.")).to_be_visible()


def test_what_only_the_server_refuses_is_shown_under_its_field(alice):
    alice.expected.append("422")
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "\u200b", "6", "5", "1990")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#full_name-error")).not_to_be_empty()
    expect(page.get_by_label("Name")).to_have_value("\u200b")


def test_with_the_server_down_nothing_typed_is_lost_and_nothing_is_added_twice(site, alice):
    alice.expected.append("Failed to load resource")
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "Heidi", "7", "5", "1990")
    page.get_by_label("Comment").fill("a long text")
    site.stop()
    try:
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("What you typed is kept.")
        expect(page.get_by_label("Comment")).to_have_value("a long text")
    finally:
        site.start()
    page.reload()
    expect(page.get_by_text("What you typed before is back.")).to_be_visible()
    page.route("**/api/birthdays", lambda route: (route.fetch(), route.abort()))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.unroute("**/api/birthdays")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".screen-month")).to_be_visible()
    assert [row["comment"] for row in alice.kept()] == ["a long text"]


def test_a_busy_server_is_waited_for(alice):
    alice.expected.append("429")
    page = alice.open()
    problem = {"status": 429, "detail": "Too fast, wait a moment."}
    page.route(
        "**/api/birthdays?*",
        lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}, json=problem),
        times=1,
    )
    page.get_by_role("button", name="People").click()
    expect(page.get_by_role("alert")).to_contain_text("Too fast, wait a moment.")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nobody is here yet.")).to_be_visible()


def test_an_expired_session_is_renewed_without_a_word(alice):
    alice.expected.append("401")
    page = alice.open()
    problem = {"status": 401, "detail": "The session is over."}
    page.route("**/api/birthdays?*", lambda route: route.fulfill(status=401, json=problem), times=1)
    page.get_by_role("button", name="People").click()
    expect(page.get_by_text("Nobody is here yet.")).to_be_visible()


def test_leaving_a_form_keeps_its_draft_until_it_is_dropped(alice):
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    page.get_by_label("Name").fill("Half a n")
    assert "#tgWebAppData=" in page.url
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Add a birthday").click()
    expect(page.get_by_label("Name")).to_have_value("Half a n")
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Name")).to_have_value("")


def test_markup_in_names_is_only_text(alice):
    evil = "<img src=x onerror=alert(1)>"
    alice.keep(evil, "1990-05-06", company=evil, comment=evil, responsible=evil)
    page = alice.open()
    expect(page.locator(".agenda")).to_contain_text(evil)
    page.locator("[aria-current=date]").click()
    expect(page.locator(".person")).to_contain_text(evil)
    page.locator(".person button").click()
    expect(page.get_by_label("Name")).to_have_value(evil)
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="People").click()
    expect(page.locator(".results")).to_contain_text(evil)
    page.get_by_label("Search people").fill("<img zz")
    expect(page.locator(".results")).to_contain_text("<img zz")
    assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("age", "words"),
    [(1, "1 год"), (2, "2 года"), (5, "5 лет"), (11, "11 лет"), (21, "21 год"), (61, "61 год")],
)
def test_ages_take_the_russian_plural(people, age, words):
    boris = people("ru")
    boris.keep("Юбиляр", f"{TODAY.year - age}-05-05")
    page = boris.open()
    page.locator('[data-date="2027-05-05"]').click()
    expect(page.locator(".person .row-detail")).to_have_text(re.compile(rf" {words}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("5 мая")


def test_the_language_can_be_changed_and_is_remembered(alice):
    page = alice.open()
    page.get_by_role("button", name="Add a birthday").click()
    page.get_by_label("Name").fill("Half a name")
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Новый день рождения")
    expect(page.get_by_label("Имя")).to_have_value("Half a name")
    assert page.evaluate("document.documentElement.lang") == "ru"
    page.get_by_role("button", name="Назад").click()
    page.reload()
    expect(page.get_by_role("button", name="Календарь")).to_be_visible()


def test_everything_can_be_done_with_the_keyboard(alice):
    page = alice.open()
    keys = page.keyboard
    page.locator("[aria-current=date]").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"):
        keys.press(key)
    expect(page.locator('[data-date="2027-06-04"]')).to_be_focused()
    keys.press("PageUp")
    expect(page.locator('[data-date="2027-05-04"]')).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator(".add")).to_be_visible()
    keys.press("Tab")
    keys.press("Tab")
    expect(page.locator(".add")).to_be_focused()
    keys.press("Enter")
    keys.type("Keyboard Person")
    keys.press("Enter")
    expect(page.locator(".person")).to_contain_text("Keyboard Person")
    keys.press("Escape")
    expect(page.get_by_label("May 4, Tuesday, 1 birthday")).to_be_visible()


def test_colours_follow_telegrams_theme(people):
    alice = people()
    page, app = alice.open_in_telegram()
    body = app.locator("body")
    expect(body).to_have_css("background-color", "rgb(241, 241, 241)")
    page.evaluate("theme => tell('theme_changed', {theme_params: theme})", THEMES["dark"])
    expect(body).to_have_css("background-color", "rgb(35, 46, 60)")
    expect(app.locator(".board")).to_have_css("background-color", "rgb(23, 33, 43)")
    types = page.evaluate("events.map(e => e.eventType)")
    assert {"web_app_ready", "web_app_expand", "web_app_request_theme"} <= set(types)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_theme_the_colours_follow_the_system(alice, scheme):
    page = alice.page(color_scheme=scheme)
    page.goto(f"{alice.site.url}/#" + urlencode({"tgWebAppData": alice.init_data}))
    expected = {"light": "rgb(239, 239, 244)", "dark": "rgb(14, 22, 33)"}[scheme]
    expect(page.locator("body")).to_have_css("background-color", expected)
    expect(page.locator(".skeleton")).to_have_count(0)


def test_telegrams_buttons_save_ask_and_lead_back(people):
    alice = people()
    page, app = alice.open_in_telegram()
    app.get_by_role("button", name="Add a birthday").click()
    expect(app.get_by_role("button", name="Back")).to_have_count(0)
    fill_form(app, "Ivan", "6", "5", "1990")
    page.wait_for_function("events.some(e => e.eventData.need_confirmation)")
    assert last(page, "web_app_setup_main_button")["text"] == "Save"
    assert last(page, "web_app_setup_main_button")["is_visible"]
    assert last(page, "web_app_setup_back_button")["is_visible"]
    page.evaluate("tell('main_button_pressed')")
    expect(app.locator(".screen-month")).to_be_visible()
    page.wait_for_function(
        "!events.findLast(e => e.eventType.endsWith('main_button')).eventData.is_visible"
    )
    app.locator("[aria-current=date]").click()
    app.locator(".person button").click()
    app.get_by_role("button", name="Delete this birthday").click()
    page.wait_for_function("events.some(e => e.eventType === 'web_app_open_popup')")
    page.evaluate("tell('popup_closed', {})")
    page.evaluate("tell('back_button_pressed')")
    expect(app.locator(".screen-day")).to_be_visible()
    app.locator(".person button").click()
    app.get_by_role("button", name="Delete this birthday").click()
    page.wait_for_function("events.filter(e => e.eventType === 'web_app_open_popup').length === 2")
    page.evaluate("tell('popup_closed', {button_id: 'yes'})")
    expect(app.get_by_text("Nobody has a birthday on this day.")).to_be_visible()
    assert alice.kept() == []


def test_an_old_telegram_is_sent_only_what_it_knows(people):
    page, app = people().open_in_telegram(version="6.0")
    app.get_by_role("button", name="Add a birthday").click()
    app.get_by_label("Name").fill("x")
    expect(app.get_by_role("button", name="Back")).to_be_visible()
    types = set(page.evaluate("events.map(e => e.eventType)"))
    newer = {
        "web_app_setup_back_button",
        "web_app_set_header_color",
        "web_app_setup_closing_behavior",
    }
    assert not types & newer
    assert "web_app_setup_main_button" in types


def test_a_phones_client_is_spoken_to_through_its_proxy(alice):
    page = alice.page()
    page.add_init_script(
        """window.events = [];
        window.TelegramWebviewProxy = {postEvent: (eventType, json) =>
          events.push({eventType, eventData: JSON.parse(json)})};"""
    )
    page.goto(f"{alice.site.url}/{alice.fragment()}")
    page.get_by_role("button", name="Add a birthday").click()
    fill_form(page, "Judy", "6", "5")
    page.evaluate("Telegram.WebView.receiveEvent('main_button_pressed')")
    expect(page.locator(".screen-month")).to_be_visible()
    assert len(alice.kept()) == 1


def test_who_may_only_look_is_offered_no_change(alice):
    alice.keep("Kim", "1990-05-06")
    page = alice.page()
    page.route("**/api/panel/check-access", lambda route: route.fulfill(json={"has_access": False}))
    page.goto(f"{alice.site.url}/{alice.fragment()}")
    expect(page.locator(".agenda")).to_contain_text("Kim")
    expect(page.get_by_role("button", name="Add a birthday")).to_have_count(0)
    page.get_by_role("button", name="People").click()
    page.locator(".row", has_text="Kim").click()
    expect(page.locator(".person")).to_contain_text("Kim")
    expect(page.locator(".person button")).to_have_count(0)


def test_an_address_that_names_a_calendar_opens_that_calendar(alice):
    alice.expected.append("404")
    page = alice.page()
    page.goto(f"{alice.site.url}/?calendar=999999{alice.fragment()}")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("alert")).not_to_contain_text("birthday is not here")


def test_both_languages_have_every_sentence(alice):
    page = alice.open()
    texts = page.evaluate("import('/static/texts.js').then(module => module.texts)")
    assert texts["en"].keys() == texts["ru"].keys()
    for key, russian in texts["ru"].items():
        english = texts["en"][key]
        assert isinstance(russian, dict) == isinstance(english, dict), key
        forms = list(russian.values()) if isinstance(russian, dict) else [russian]
        sample = english["other"] if isinstance(english, dict) else english
        assert len(forms) in (1, 4), key
        for form in forms:
            assert sorted(re.findall(r"{\w+}", form)) == sorted(re.findall(r"{\w+}", sample)), key


def test_without_telegram_a_page_says_how_to_open_the_app(alice):
    page = alice.page()
    page.goto(alice.site.url)
    expect(page.get_by_role("heading")).to_have_text("Open this calendar from Telegram")


def test_a_forged_sign_in_is_refused_with_the_same_page(alice):
    alice.expected.append("401")
    page = alice.page()
    forged = re.sub("hash=..", "hash=00", alice.init_data)
    page.goto(f"{alice.site.url}/#" + urlencode({"tgWebAppData": forged}))
    expect(page.get_by_role("heading")).to_have_text("Open this calendar from Telegram")


def test_every_module_is_named_for_preloading():
    folder = ROOT / "calendar_app/miniapp"
    page = (folder / "index.html").read_text()
    named = set(re.findall(r"static/(\w+\.(?:js|css))", page))
    assert named == {path.name for path in folder.glob("static/*.*s*") if path.suffix != ".svg"}
