"""A Telegram for tests: a Bot API server over real HTTP, people who write to bots, and a page.

    from tests.telegram import Simulator

    with Simulator() as telegram:
        bot = telegram.add_bot()
        anna = telegram.add_user("Anna", language_code="en")
        …start the program with TELEGRAM_API_URL=telegram.url and TELEGRAM_BOT_TOKEN=bot.token…
        anna.send("/start")
        assert "Welcome" in anna.wait_for_message().text

README.md of this folder tells the rest. Never installed in production.
"""

from .handles import App, Bot, Group, Message, Press, User
from .simulator import Simulator

__all__ = ["App", "Bot", "Group", "Message", "Press", "Simulator", "User"]
