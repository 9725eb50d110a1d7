"""Routes: whose birthday it is — links, and what others entered about oneself."""

from typing import Any

from . import answers, mentions
from .mentions import MentionPatch
from .web import Call, Params, RowParams, route


class OneMention(Params):
    """One entry about oneself, by the birthday's id."""

    birthday_id: int


class OneLink(Params):
    """A link's code, as it stands in its address."""

    code: str


MENTIONS = "/api/me/mentions"
MENTION = f"{MENTIONS}/<int:birthday_id>"


@route("GET", MENTIONS, params=Params, returns=list[answers.Mention])
def list_mentions(call: Call) -> Any:
    """What others entered about me."""
    return mentions.listed(call.account.telegram_id)


@route("PATCH", MENTION, params=OneMention, body=MentionPatch, returns=answers.Mention)
def correct_mention(call: Call) -> Any:
    """Correct my name or date in what somebody entered."""
    params = call.params
    return mentions.correct(call.account.telegram_id, params.birthday_id, call.body, call.now)


@route("POST", f"{MENTION}/confirm", params=OneMention, returns=answers.Mention)
def confirm_mention(call: Call) -> Any:
    """Say that what somebody entered about me is right."""
    return mentions.confirm(call.account.telegram_id, call.params.birthday_id, call.now)


@route("DELETE", MENTION, params=OneMention, returns=answers.Deleted)
def withdraw_mention(call: Call) -> Any:
    """Delete what somebody entered about me."""
    mentions.withdraw(call.account.telegram_id, call.params.birthday_id)
    return {"status": "deleted"}


@route(
    "POST",
    "/api/birthdays/<int:row_id>/link",
    params=RowParams,
    returns=answers.PersonLink,
    status=201,
)
def offer_link(call: Call) -> Any:
    """Make a link for the one whose birthday it is; editors and owners may."""
    return mentions.offer(call.ref(), call.config, call.now)


@route(
    "POST",
    "/api/links/<code>/accept",
    params=OneLink,
    returns=answers.Linked,
    conflicts=True,
)
def follow_link(call: Call) -> Any:
    """Say that the birthday behind a link is my own."""
    mentions.follow(call.account.telegram_id, call.params.code, call.now)
    return {"status": "linked"}
