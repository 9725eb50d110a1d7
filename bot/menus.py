"""What Telegram shows beside the input field: the commands, and the button of the Mini App."""

from telebot import TeleBot, types

from calendar_app import texts
from calendar_app.config import Config

from .commands import COMMANDS


class Menus:
    """Registers commands and menu button with Telegram, in each language."""

    def __init__(self, bot: TeleBot, config: Config) -> None:
        self.bot = bot
        self.config = config

    def register(self) -> None:
        """For everybody: the commands in the language of each one's Telegram."""
        default = self.config.default_language
        self.bot.set_my_commands(_commands(default))
        for language in texts.LANGUAGES:
            self.bot.set_my_commands(_commands(language), language_code=language)
        self.bot.set_chat_menu_button(menu_button=self._button(default))

    def show(self, chat_id: int, language: str) -> None:
        """For one private chat: all in the language that its user speaks with us."""
        self.bot.set_my_commands(_commands(language), types.BotCommandScopeChat(chat_id))
        self.bot.set_chat_menu_button(chat_id, self._button(language))

    def _button(self, language: str) -> types.MenuButton:
        address = self.config.telegram_webapp_url
        if not address:
            return types.MenuButtonDefault()
        return types.MenuButtonWebApp(texts.say(language, "Calendar"), types.WebAppInfo(address))


def _commands(language: str) -> list[types.BotCommand]:
    return [types.BotCommand(name, texts.say(language, what)) for name, what in COMMANDS.items()]
