"""The bot: Telegram on one side, the calendar's domain on the other.

    __main__   the process: starts, beats, stops; a thread for each loop
    lock       one bot at a time: on a state folder, and on this machine with a token
    status     how it is: for the web process, for systemd, for the log, for the operators
    operators  alerts to ADMIN_TELEGRAM_IDS
    heartbeat  HEARTBEAT_URL, called while reminders are sent in time
    updates    getting updates: the loop; long polling with its offsets, conflicts, back-off
    webhook    BOT_MODE=webhook: our webhook at Telegram
    intake     one update -> handler -> replies, exactly once
    handlers   a command, button or message -> domain calls -> replies
    talk       one message or button as a handler sees it
    commands   what the short commands show
    adding     the conversation of /add
    preferences  the conversation of /settings
    explaining  /why: why a reminder came, or did not
    mentioned  whose birthday it is; Telegram's own date for it is offered
    replies    what a handler answers with, before it is sent
    reminding  the buttons under a reminder
    sender     one message out
    delivery   reminders out: several in flight, at the `pacing` that Telegram allows
    clock      the time of day, by Telegram's where this machine's is wrong
    members    asks Telegram who is in which group
    greeter    asks a language model for greetings
    trouble    what Telegram's errors mean
    wire       requests to Telegram, and only true answers back

telebot (pyTelegramBotAPI) is imported in this package only.
"""
