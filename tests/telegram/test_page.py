"""The page under /simulator/, used as a person uses it, behind a proxy on another port."""

import shutil

from .probes import inline, proxy, until


def test_people_can_use_the_page_through_a_proxy(sim, bot):
    from playwright.sync_api import expect, sync_playwright

    anna = sim.add_user("Anna", language_code="en")
    sim.add_group("Family", anna)
    text = "<b>Hello</b> &lt;img src=x onerror=alert(1)&gt;"
    with proxy(sim.url) as front, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        errors, outside = [], []
        page.on("pageerror", lambda error: errors.append(error))
        page.on("request", lambda r: outside.append(r.url) if front.url not in r.url else None)
        page.goto(front.url + "/simulator/")
        page.fill("#message", "/start")
        page.click("#send")
        expect(page.locator("#chat")).to_contain_text("/start")
        until(lambda: any(m.text == "/start" for m in anna.messages()))
        go = inline({"text": "Go", "callback_data": "go"})
        bot.ok("sendMessage", chat_id=anna.id, text=text, parse_mode="HTML", reply_markup=go)
        expect(page.locator("#chat b")).to_have_text("Hello")
        expect(page.locator("#chat img")).to_have_count(0)
        page.get_by_role("button", name="Go", exact=True).click()
        until(lambda: "callback_query" in bot.ok("getUpdates", offset=-1)[0])
        query = bot.ok("getUpdates", offset=-1)[0]["callback_query"]
        bot.ok("answerCallbackQuery", callback_query_id=query["id"], text="Went")
        expect(page.locator("#toast")).to_have_text("Went")

        app = page.frame_locator("#miniapp")
        expect(app.locator("#name")).to_have_text("Anna")
        app.get_by_text("Show main button").click()
        page.click("#main-button")
        expect(app.locator("#events")).to_contain_text("main_button_pressed")
        app.get_by_text("Show back button").click()
        page.click("#back")
        expect(app.locator("#events")).to_contain_text("back_button_pressed")
        page.click("#theme")
        expect(app.locator("#events")).to_contain_text('"bg_color":"#17212b"')
        app.get_by_text("Open popup").click()
        page.get_by_role("button", name="Delete").click()
        expect(app.locator("#events")).to_contain_text('popup_closed {"button_id":"yes"}')
        page.select_option("#language", "ru")
        until(lambda: sim.state()["users"][0]["language_code"] == "ru")
        browser.close()
    assert (errors, outside) == ([], [])
