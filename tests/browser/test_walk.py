"""The whole product as a newcomer meets it: run.sh, the chat, the Mini App, the reminder."""

import datetime as dt
import os
import re

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from tests.running import Run

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Run(tmp_path_factory.mktemp("walk") / "var", "nginx") as run:
        yield run.ready()


@pytest.fixture(scope="module")
def page(running):
    """The simulator's page, wide enough for chat and Mini App beside each other."""
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{running.port}/simulator/")
        yield page
        browser.close()


def say(page, text):
    page.locator("#message").fill(text)
    page.locator("#send").click()


def heard(page, text):
    """Wait until the chat says that."""
    expect(page.locator("#chat").get_by_text(text).last).to_be_visible()


def open_app(page):
    """Open the Mini App by the button under the bot's last message."""
    page.get_by_role("button", name="Open the calendar").last.click()
    return page.frame_locator("#miniapp")


def picture(page, name):
    """Keep a picture where PICTURES says; the README's are made so."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.wait_for_timeout(700)
        page.screenshot(path=f"{folder}/{name}.png")


def test_from_the_first_start_to_the_reminder(page):
    today = dt.datetime.now(dt.UTC).date()
    say(page, "/start")
    heard(page, "Hello, Anna!")
    say(page, f"/add Ada Lovelace {today.day}.{today.month}.1816")
    heard(page, "Saved: Ada Lovelace")

    app = open_app(page)
    day = app.locator(f'[data-date="{today.isoformat()}"]')
    expect(day).to_have_attribute("aria-label", re.compile("1 birthday"))
    day.click()
    person = app.locator(".person")
    expect(person).to_contain_text("Ada Lovelace")
    expect(person).to_contain_text(str(today.year - 1816))

    person.click()
    app.get_by_label("Company").fill("Analytical Engines")
    page.locator("#main-button").click()
    expect(app.locator(".person")).to_contain_text("Analytical Engines")
    for line in ("Grace Hopper 9.12.1906", f"Alan Turing 12.{today.month}.1912"):
        say(page, line)
        heard(page, f"Saved: {line.rpartition(' ')[0]}")
    page.locator("#back").click()
    expect(app.get_by_text("Birthdays this month")).to_be_visible()
    picture(page, "light")

    # The time of reminders is nine o'clock: ask for the next minute that is not about to begin.
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=70)
    say(page, "/settings")
    heard(page, "Reminders come at 09:00")
    page.get_by_role("button", name="Time of reminders").last.click()
    heard(page, "When should reminders come?")
    say(page, f"{soon:%H:%M}")
    heard(page, f"Reminders come at {soon:%H:%M}")
    reminder = page.locator("#chat").get_by_text("Birthdays today")
    expect(reminder).to_be_visible(timeout=100_000)
    heard(page, "Analytical Engines")
    page.wait_for_timeout(2_500)
    expect(reminder).to_have_count(1)
    assert page.complaints == []


def test_dark_and_in_russian(page):
    page.locator("#theme").check()
    page.locator("#language").select_option("ru")
    say(page, "/start")
    heard(page, "Здравствуйте, Anna!")
    say(page, "6 июня 1799 Пушкин")
    heard(page, "Записано: Пушкин")
    page.get_by_role("button", name="Открыть календарь").last.click()
    app = page.frame_locator("#miniapp")
    expect(app.get_by_role("tab", name="Люди").or_(app.get_by_text("Люди").first)).to_be_visible()
    picture(page, "dark-ru")
    page.set_viewport_size({"width": 390, "height": 844})
    picture(page, "dark-ru-phone")
    assert page.complaints == []
