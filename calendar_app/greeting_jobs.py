"""Greetings by a language model, asked for as jobs: the web writes them down, the bot asks.

The web has no network, and no database connection is held while a model thinks. The prompt has
only what the user allowed; a name that is not to leave stands there as NAME.
"""

import re
import secrets
from dataclasses import dataclass

from . import models
from .errors import NotFound
from .greetings import Wish
from .models import GreetingJob, User
from .texts import N_

# The name in prompt and answer, where the name itself is not told.
NAME = "{name}"
# By then the bot has asked, or nobody will.
JOB_SECONDS = 60
LONGEST = 2000
WORDS = {"short": "one or two sentences", "medium": "about 50 words", "long": "about 100 words"}
LANGUAGES = {"en": "English", "ru": "Russian"}
NO_JOB = N_("There is no such greeting, or it is not yours.")
WAITING = "SELECT 1 FROM greeting_jobs WHERE state = 'waiting' LIMIT 1"
SIGNS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Request:
    """What is wanted: whose greeting in which language, and what of it a model may be told.

    `draft` is the greeting from templates that stands meanwhile.
    """

    wish: Wish
    language: str
    draft: str
    tell_name: bool = True
    tell_age: bool = True


def ask(telegram_id: int, request: Request, now: int) -> str:
    """Write down that a greeting is wanted by a registered user; returns the job's code."""
    code = secrets.token_urlsafe(12)
    with models.writing():
        GreetingJob.insert(
            code=code,
            user=User.select(User.id).where(User.telegram_id == telegram_id),
            prompt=_prompt(request),
            name=request.wish.full_name,
            state="waiting",
            greeting=request.draft,
            created_at=now,
        ).execute()
    return code


def _prompt(request: Request) -> str:
    wish = request.wish
    name = f"named {wish.full_name}" if request.tell_name else f"called {NAME}: write it just so"
    lines = [
        f"Write a birthday greeting in {LANGUAGES[request.language]}, {wish.style} in style, of "
        f"{WORDS[wish.length]}: plain text, no quotation marks, headings or signature.",
        f"It is for somebody {name}. Do not assume whether that is a man or a woman.",
    ]
    if request.tell_age and wish.age:
        lines.append(f"Their new age: {wish.age}.")
    if wish.theme:
        lines.append(f"Mention this: {wish.theme}")
    return "\n".join(lines)


def look(telegram_id: int, code: str, now: int) -> dict[str, str]:
    """`{"state": "waiting"|"ready"|"failed", "greeting"}` of one's own job; raises NotFound.

    The greeting is the template's until the model's is ready.
    """
    mine = (GreetingJob.code == code) & (User.telegram_id == telegram_id)
    job = GreetingJob.select().join(User).where(mine).first()
    if job is None:
        raise NotFound(NO_JOB)
    state = "waiting" if job.state == "asking" else job.state
    if state == "waiting" and job.created_at < now - JOB_SECONDS:
        state = "failed"
    return {"state": state, "greeting": job.greeting}


def claim(now: int) -> tuple[int, str] | None:
    """Take the job that has waited longest: its id and prompt. None if nobody waits."""
    waiting = (GreetingJob.state == "waiting") & (GreetingJob.created_at >= now - JOB_SECONDS)
    if not models.rows(WAITING).fetchone():
        return None
    with models.writing(essential=True):
        job = GreetingJob.select().where(waiting).order_by(GreetingJob.id).first()
        if job is None:
            return None
        GreetingJob.update(state="asking").where(GreetingJob.id == job.id).execute()
    return job.id, job.prompt


def answer(job_id: int, text: str | None) -> None:
    """Write down what the model said; None: it failed, and the template's greeting stays."""
    said = "" if text is None else _cleaned(text)
    with models.writing(essential=True):
        job = GreetingJob.get_or_none(GreetingJob.id == job_id)
        if job is None:
            return  # Its user is gone.
        greeting = said.replace(NAME, job.name)[:LONGEST]
        values = {"state": "ready", "greeting": greeting} if said else {"state": "failed"}
        GreetingJob.update(values).where(GreetingJob.id == job_id).execute()


def _cleaned(text: str) -> str:
    """What can be sent: no control characters, no quotation marks around it."""
    return SIGNS.sub(" ", text).strip().strip('"“”«»').strip()
