"""What Telegram makes of messages, buttons, files and commands, by raw HTTP."""

import pytest
import requests

from .probes import PNG, Later, inline


def test_html_becomes_text_with_entities_in_utf16_units(started, bot):
    html = "  🎂 <b>Boris</b> &lt;3 <a href='https://e.org/?a=1&amp;b=2'>link</a>\n"
    html += '<pre><code class="language-py">x</code></pre> <tg-spoiler>s</tg-spoiler> '
    sent = bot.ok("sendMessage", chat_id=started.id, text=html, parse_mode="HTML")
    assert sent["text"] == "🎂 Boris <3 link\nx s"
    assert sent["entities"] == [
        {"type": "bold", "offset": 3, "length": 5},
        {"type": "text_link", "offset": 12, "length": 4, "url": "https://e.org/?a=1&b=2"},
        {"type": "pre", "offset": 17, "length": 1, "language": "py"},
        {"type": "spoiler", "offset": 19, "length": 1},
    ]


def test_commands_mentions_and_links_of_people_are_entities(anna, bot):
    anna.send("/start@echo_bot 1/2 </b> @anna_i https://t.me/x, #tag")
    found = [e["type"] for e in bot.ok("getUpdates")[0]["message"]["entities"]]
    assert found == ["bot_command", "mention", "url", "hashtag"]


WEB_APP = inline({"text": "Open", "web_app": {"url": "https://e.org"}})
INVALID_DATA = "Bad Request: BUTTON_DATA_INVALID"


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": " \n"}, "Bad Request: message text is empty"),
        ({"text": "x" * 4097}, "Bad Request: message is too long"),
        ({"text": "🎂" * 2049}, "Bad Request: message is too long"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "Bad Request: can't parse entities: Can't find"),
        ({"text": "<x>y</x>", "parse_mode": "HTML"}, "Bad Request: can't parse entities: Unsupp"),
        ({"text": "1 < 2", "parse_mode": "HTML"}, "Bad Request: can't parse entities: Unsupp"),
        ({"reply_markup": inline({"text": "a", "callback_data": ""})}, INVALID_DATA),
        ({"reply_markup": inline({"text": "a", "callback_data": "я" * 33})}, INVALID_DATA),
        ({"reply_markup": "{"}, "Bad Request: can't parse reply markup JSON object"),
        ({"reply_to_message_id": 1}, "Bad Request: message to be replied not found"),
        ({"chat_id": 999}, "Bad Request: chat not found"),
        ({"chat_id": ""}, "Bad Request: chat_id is empty"),
    ],
)
def test_a_message_that_telegram_refuses_is_refused(started, bot, params, description):
    status, said = bot.refused("sendMessage", **{"chat_id": started.id, "text": "x", **params})
    assert (status, said[: len(description)]) == (400, description)
    assert started.received() == []


def test_web_app_buttons_are_for_private_chats_only(sim, started, bot):
    group = sim.add_group("Family", started)
    assert bot.ok("sendMessage", chat_id=started.id, text="x", reply_markup=WEB_APP)
    refused = bot.refused("sendMessage", chat_id=group.id, text="x", reply_markup=WEB_APP)
    assert refused == (400, "Bad Request: BUTTON_TYPE_INVALID")


def test_an_edit_shows_and_the_same_edit_again_is_refused(started, bot):
    sent = bot.ok("sendMessage", chat_id=started.id, text="one", reply_markup=WEB_APP)
    place = {"chat_id": started.id, "message_id": sent["message_id"]}
    edited = bot.ok("editMessageText", **place, text="two")
    assert (edited["text"], "reply_markup" in edited) == ("two", False)
    assert started.wait_for_message("two").edited
    status, said = bot.refused("editMessageText", **place, text="two")
    assert status == 400
    assert said.startswith("Bad Request: message is not modified: specified new message content")
    assert bot.ok("editMessageReplyMarkup", **place, reply_markup=WEB_APP)["text"] == "two"
    assert bot.ok("deleteMessage", **place) is True
    assert bot.refused("deleteMessage", **place)[1].endswith("message to delete not found")
    assert started.received() == []


def test_a_button_is_answered_once_and_in_time(sim, started, bot):
    button = {"text": "Go", "callback_data": "go:1"}
    bot.ok("sendMessage", chat_id=started.id, text="x", reply_markup=inline(button))
    too_old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    press = Later(started.press, "Go")
    query = bot.ok("getUpdates", offset=-1, timeout=5)[0]["callback_query"]
    assert (query["data"], query["from"]["id"]) == ("go:1", started.id)
    alert = {"callback_query_id": query["id"], "text": "Hi", "show_alert": True}
    bot.ok("answerCallbackQuery", **alert)
    pressed = press.result()
    assert (pressed.answered, pressed.text, pressed.show_alert) == (True, "Hi", True)
    assert bot.refused("answerCallbackQuery", **alert) == (400, too_old)
    assert bot.refused("answerCallbackQuery", callback_query_id="1") == (400, too_old)
    sim.set_delays(callback_lifetime=0.05)
    assert not started.press("go:1", timeout=0.1).answered
    late = bot.ok("getUpdates", offset=-1)[0]["callback_query"]["id"]
    assert bot.refused("answerCallbackQuery", callback_query_id=late) == (400, too_old)


def test_files_go_both_ways(started, bot):
    started.send_file("people.csv", b"name,date\n")
    sent = bot.ok("getUpdates", offset=-1)[0]["message"]["document"]
    path = bot.ok("getFile", file_id=sent["file_id"])["file_path"]
    assert requests.get(bot.files + path, timeout=30).content == b"name,date\n"
    for method, field, data in (("sendDocument", "document", b"x"), ("sendPhoto", "photo", PNG)):
        form = {"chat_id": started.id, "caption": "<i>c</i>", "parse_mode": "HTML"}
        files = {field: ("f.bin", data)}
        answer = requests.post(bot.address + method, data=form, files=files, timeout=30).json()
        assert answer["result"]["caption_entities"][0]["type"] == "italic"
    assert answer["result"]["photo"][0]["width"] == 3


def test_commands_depend_on_scope_and_language(sim, started, bot):
    def listed(word, **where):
        commands = [{"command": word, "description": "d"}]
        bot.ok("setMyCommands", commands=commands, **where)

    def seen(**where):
        return [c["command"] for c in started.shown(**where)["commands"]]

    listed("default")
    listed("russian", language_code="ru")
    listed("private", scope={"type": "all_private_chats"})
    assert (seen(), seen(chat=sim.add_group("Family", started))) == (["private"], ["default"])
    bot.ok("deleteMyCommands", scope={"type": "all_private_chats"})
    started.change(language_code="ru")
    assert seen() == ["russian"]
    assert bot.ok("getMyCommands", language_code="ru")[0]["command"] == "russian"
    bad = [{"command": "Bad!", "description": "d"}]
    assert bot.refused("setMyCommands", commands=bad) == (400, "Bad Request: BOT_COMMAND_INVALID")
