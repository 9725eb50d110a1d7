"""The bot: Telegram on one side, the calendar's domain on the other.

    __main__   the process: starts, beats, stops; one loop for updates, one for reminders
    status     how it is: for the web process, for systemd, for the log
    operators  alerts to ADMIN_TELEGRAM_IDS
    updates    getting updates: offsets, conflicts, back-off, stop
    handlers   a command, button or message -> domain calls -> replies
    adding     the conversation of /add
    preferences  the conversation of /settings
    replies    what a handler answers with, before it is sent
    sender     one message out; what Telegram's answers mean

telebot (pyTelegramBotAPI) is imported in this package only.
"""
