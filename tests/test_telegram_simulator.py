"""Proves the Telegram simulator by two clients that nobody here wrote, and as a process.

The tests by raw HTTP and those of the page stand beside it in tests/telegram/.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiogram
import pytest
import requests
import telegram as ptb
import telegram.error
import telegram.ext
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

from tests.telegram import Simulator, fixtures
from tests.telegram.probes import PNG, Later, Raw, held, token, until

anna, bot, sim, started = fixtures.anna, fixtures.bot, fixtures.sim, fixtures.started
ROOT = Path(__file__).parent.parent


def aiogram_bot(sim, own_token=None):
    session = AiohttpSession(api=TelegramAPIServer.from_base(sim.url))
    return aiogram.Bot(own_token or token(sim), session=session)


def with_aiogram(sim, work, own_token=None):
    async def run():
        async with aiogram_bot(sim, own_token) as client:
            return await work(client)

    return asyncio.run(run())


def ptb_bot(sim, own_token=None):
    return ptb.Bot(own_token or token(sim), base_url=f"{sim.url}/bot")


def with_ptb(sim, work, own_token=None):
    async def run():
        client = ptb_bot(sim, own_token)
        return await work(client)

    return asyncio.run(run())


def converse(anna):
    """What a person sees of the echo bots below: echo, buttons, an edited message, a toast."""
    anna.send("hello")
    message = anna.wait_for_message("You said: hello")
    assert message.buttons == ["Shout"]
    pressed = anna.press("Shout")
    assert (pressed.answered, pressed.text) == (True, "Done")
    assert anna.wait_for_message("HELLO").id == message.id
    return True


def test_an_aiogram_bot_echoes_edits_and_answers_buttons(sim, anna):
    async def run():
        dispatcher = aiogram.Dispatcher()
        button = aiogram.types.InlineKeyboardButton(text="Shout", callback_data="shout")
        markup = aiogram.types.InlineKeyboardMarkup(inline_keyboard=[[button]])

        @dispatcher.message()
        async def echo(message):
            await message.answer(f"You said: {message.text}", reply_markup=markup)

        @dispatcher.callback_query()
        async def shout(query):
            await query.answer("Done")
            await query.message.edit_text(query.message.text.upper())

        async with aiogram_bot(sim) as client:
            polling = asyncio.create_task(dispatcher.start_polling(client, handle_signals=False))
            assert await asyncio.to_thread(converse, anna)
            await dispatcher.stop_polling()
            await polling

    asyncio.run(run())


def test_a_python_telegram_bot_echoes_edits_and_answers_buttons(sim, anna):
    async def echo(update, _):
        markup = ptb.InlineKeyboardMarkup([[ptb.InlineKeyboardButton("Shout", callback_data="s")]])
        text = f"You said: {update.message.text}"
        await update.message.reply_text(text, reply_markup=markup)

    async def shout(update, _):
        await update.callback_query.answer("Done")
        await update.callback_query.edit_message_text(update.callback_query.message.text.upper())

    async def run():
        builder = ptb.ext.Application.builder().token(token(sim)).base_url(f"{sim.url}/bot")
        async with builder.build() as application:
            application.add_handler(ptb.ext.MessageHandler(ptb.ext.filters.TEXT, echo))
            application.add_handler(ptb.ext.CallbackQueryHandler(shout))
            await application.start()
            await application.updater.start_polling(timeout=1)
            assert await asyncio.to_thread(converse, anna)
            await application.updater.stop()
            await application.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("run", "error"),
    [(with_aiogram, TelegramConflictError), (with_ptb, ptb.error.Conflict)],
)
def test_both_clients_raise_their_conflict_when_a_second_one_polls(sim, bot, run, error):
    async def poll(client):
        await client.get_updates(timeout=10)

    first = Later(run, sim, poll)
    until(lambda: held(sim))
    second = Later(bot, "getUpdates", offset=1, timeout=1)
    with pytest.raises(error, match="make sure that only one bot instance is running"):
        first.result()
    assert second.result() == (200, {"ok": True, "result": []})


@pytest.mark.parametrize(
    ("run", "error"), [(with_aiogram, TelegramRetryAfter), (with_ptb, ptb.error.RetryAfter)]
)
@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
def test_both_clients_read_the_seconds_of_a_429(sim, started, run, error):
    sim.fail("sendMessage", retry_after=17)
    with pytest.raises(error) as caught:
        run(sim, lambda client: client.send_message(started.id, "hi"))
    assert int(caught.value.retry_after) == 17


@pytest.mark.parametrize(
    ("run", "error"),
    [(with_aiogram, TelegramUnauthorizedError), (with_ptb, ptb.error.InvalidToken)],
)
def test_both_clients_see_that_a_token_is_unknown(sim, run, error):
    with pytest.raises(error):
        run(sim, lambda client: client.get_me(), own_token="123456:unknown")


@pytest.mark.parametrize(
    ("run", "error"), [(with_aiogram, TelegramForbiddenError), (with_ptb, ptb.error.Forbidden)]
)
def test_both_clients_raise_forbidden_when_blocked(sim, started, run, error):
    started.block()
    with pytest.raises(error, match="bot was blocked by the user"):
        run(sim, lambda client: client.send_message(started.id, "hi"))


@pytest.mark.parametrize("run", [with_aiogram, with_ptb])
def test_both_clients_parse_what_the_methods_answer(sim, started, run):
    group = sim.add_group("Family", started)
    bot_id = sim.state()["bots"][0]["id"]

    async def ask(client):
        chat = await client.get_chat(started.id)
        admins = await client.get_chat_administrators(group.id)
        member = await client.get_chat_member(group.id, bot_id)
        document = aiogram.types.BufferedInputFile(PNG, "a.png") if run is with_aiogram else PNG
        photo = await client.send_photo(started.id, document, caption="x")
        info = await client.get_webhook_info()
        return chat.birthdate.month, len(admins), member.status, photo.photo[0].width, info.url

    assert run(sim, ask) == (3, 1, "member", 3, "")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_process_never_repeats_an_id_and_ends_at_once(tmp_path):
    (tmp_path / "token").write_text("1234567890:TEST-token\n")
    port, ids = free_port(), []
    for _ in range(2):
        command = ["-m", "tests.telegram", "--port", str(port), "--token-file", tmp_path / "token"]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdout=-1, stderr=subprocess.STDOUT
        )
        far = Simulator.connect(f"http://127.0.0.1:{port}")
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, timeout=10)  # noqa: B023
        anna = far.user(279058397)
        raw = Raw(far, "1234567890:TEST-token")
        sent = [anna.send(str(number)).id for number in range(30)]
        updates = [update["update_id"] for update in raw.ok("getUpdates")]
        ids.append((updates, sent))
        poll = Later(raw, "getUpdates", offset=updates[-1] + 1, timeout=20)
        until(lambda: held(far))  # noqa: B023
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=15)  # before the poll's end
        assert (output, process.returncode) == (b"", 0)
        with pytest.raises(requests.ConnectionError):
            poll.result()
    (first, first_sent), (second, second_sent) = ids
    assert max(first) < min(second) < 2**31
    assert max(first_sent) < min(second_sent)
