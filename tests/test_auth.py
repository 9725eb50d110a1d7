"""Who is asking: initData as independent libraries sign it, everything near it, sessions."""

import json
import random
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from calendar_app import auth, config
from calendar_app.calendars import Account
from calendar_app.errors import Unauthorized
from tests.telegram.initdata import digest
from tests.world import PEOPLE, ROOT, TOKEN, init_data

VECTORS = json.loads((ROOT / "tests/data/init_data.json").read_text())["vectors"]
NOW = 1_790_000_000
KEY = config.webapp_key(TOKEN)
OTHER_KEY = config.webapp_key("987654321:" + "B" * 35)
ALICE = init_data("Alice", now=NOW, last_name="Ünï & Söns = 100 %", username="alice")
BOB = init_data("Bob", now=NOW)
PAIRS = ALICE.split("&")
more = examples(deadline=None, max_examples=300)


def accepted(text, key=KEY, now=NOW):
    """The user, or None where it is refused; any other exception is a bug."""
    try:
        return auth.verify(text, key, now)
    except Unauthorized:
        return None


def fields(text):
    """What the standard library reads, in no order."""
    return sorted(parse_qsl(text, keep_blank_values=True))


def judge(text):
    """Right is what says the same as the original; all else is refused."""
    found = accepted(text)
    if found:
        assert fields(text) == fields(ALICE)
        assert found == auth.verify(ALICE, KEY, NOW)
    return found


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS])
def test_each_vector_is_judged_as_it_should_be(vector):
    key = config.webapp_key(vector["token"])
    try:
        found = auth.verify(vector["init_data"], key, vector["now"], vector["max_age"])
    except Unauthorized:
        assert vector["expect"] in ("reject", "any")
    else:
        assert vector["expect"] in ("accept", "any")
        user = json.loads(dict(parse_qsl(vector["init_data"]))["user"])
        assert (found.telegram_id, found.first_name) == (user["id"], user["first_name"])


def test_the_vectors_are_of_both_kinds():
    assert {vector["expect"] for vector in VECTORS} >= {"accept", "reject"}


def test_the_user_is_as_telegram_tells():
    found = auth.verify(ALICE, KEY, NOW)
    assert found == Account(
        PEOPLE["Alice"], "Alice", "Ünï & Söns = 100 %", "alice", "en", may_write=False
    )
    assert auth.verify(init_data("Bob", NOW, allows_write_to_pm=True), KEY, NOW).may_write
    assert not auth.verify(init_data("Bob", NOW, allows_write_to_pm=1), KEY, NOW).may_write


@pytest.mark.parametrize(
    ("age", "taken"), [(0, True), (86_400, True), (86_401, False), (-60, True), (-61, False)]
)
def test_sign_in_data_lasts_a_day_and_may_be_a_minute_ahead(age, taken):
    assert bool(accepted(ALICE, now=NOW + age)) == taken


def test_sign_in_data_of_another_bot_is_refused():
    assert accepted(ALICE, OTHER_KEY) is None


@pytest.mark.parametrize(
    "user",
    [
        {"id": 0}, {"id": -5}, {"id": "5"}, {"id": 5.0}, {"id": True}, {"id": None}, {"id": [5]},
        {"id": 2**63}, {"id": 10**400},
    ],
)  # fmt: skip
def test_a_user_without_a_sensible_id_is_refused_even_if_signed(user):
    assert accepted(init_data("Alice", NOW, **user)) is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, ""), (5, ""), (["x"], ""), ({"a": 1}, ""), ("x" * 5000, "x" * 255),
        ("a\ud800b", "ab"), ("🎂", "🎂"), ("", ""), ("<b>", "<b>"),
    ],
)  # fmt: skip
def test_odd_names_are_kept_as_far_as_they_can_be_stored(told, kept):
    # The test's own signature is of ASCII JSON, as some clients write it.
    text = init_data("Alice", NOW)
    user = json.dumps({"id": 5, "first_name": told, "username": told})
    found = auth.verify(resigned(text, user=user), KEY, NOW)
    assert (found.first_name, found.username) == (kept, kept)


def resigned(text, **changes):
    """The initData with other fields, signed anew by the independent signer."""
    values = dict(parse_qsl(text)) | changes
    values.pop("hash")
    values["hash"] = digest(TOKEN, values)
    return "&".join(f"{name}={quote(value)}" for name, value in values.items())


@pytest.mark.parametrize(
    "user",
    ["", "null", "[]", '"Alice"', "{", "{}", "5", "NaN", "[" * 5000, '{"id":' * 2000, "9" * 5000],
)
def test_a_signed_user_that_is_no_user_is_refused(user):
    assert accepted(resigned(ALICE, user=user)) is None


@pytest.mark.parametrize(
    "date", ["", "0", "-1", "1e9", " 1790000000", "１７９００００００００", "9" * 17]
)
def test_a_signed_date_that_is_no_date_is_refused(date):
    assert accepted(resigned(ALICE, auth_date=date)) is None


@more
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_fields_does_not_matter(rng):
    pairs = PAIRS[:]
    rng.shuffle(pairs)
    assert judge("&".join(pairs))


@examples(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False))
def test_the_way_of_encoding_does_not_matter(rng):
    def encoded(char):
        if char == " ":
            return rng.choice(["+", "%20"])
        if char in "&=%+" or not char.isascii() or rng.random() < 0.5:
            code = "".join(f"%{byte:02X}" for byte in char.encode())
            return rng.choice([code, code.lower()])
        return char

    texts = []
    for pair in PAIRS:
        parts = ("".join(map(encoded, unquote(part))) for part in pair.split("="))
        texts.append("=".join(parts))
    assert judge("&".join(texts))


@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_spaces_may_be_written_either_way(encode):
    pairs = (f"{name}={encode(value)}" for name, value in parse_qsl(ALICE))
    assert judge("&".join(pairs))


@more
@given(st.integers(0, len(ALICE) - 1), st.characters())
def test_one_character_changed_is_refused(at, char):
    judge(ALICE[:at] + char + ALICE[at + 1 :])


@more
@given(st.integers(0, len(ALICE) - 1), st.integers(0, 20), st.text(max_size=5))
def test_a_part_left_out_or_put_in_is_refused(at, length, text):
    changed = ALICE[:at] + text + ALICE[at + length :]
    assume(changed != ALICE)
    judge(changed)


@pytest.mark.parametrize("at", range(len(PAIRS)))
def test_every_field_must_be_there_once(at):
    assert accepted("&".join(PAIRS[:at] + PAIRS[at + 1 :])) is None
    for again in range(len(PAIRS) + 1):
        assert accepted("&".join([*PAIRS[:again], PAIRS[at], *PAIRS[again:]])) is None


@pytest.mark.parametrize("name", ["user", "hash", "auth_date", "signature", "query_id"])
def test_a_field_of_somebody_elses_sign_in_data_does_not_fit(name):
    mine, theirs = dict(parse_qsl(ALICE)), dict(parse_qsl(BOB))
    if mine[name] == theirs[name]:
        theirs[name] = str(NOW - 5)
    mixed = mine | {name: theirs[name]}
    assert accepted("&".join(f"{k}={quote(v)}" for k, v in mixed.items())) is None


@more
@given(st.text(max_size=10), st.text(max_size=10), st.booleans())
def test_a_field_more_is_refused(name, value, first):
    field = f"{quote(name)}={quote(value)}"
    assert accepted(f"{field}&{ALICE}" if first else f"{ALICE}&{field}") is None


@pytest.mark.parametrize("text", ["%0A", "\n", "%00", "\0", "%0D%0A", "&", ";", " ", "\ufeff", "#"])
def test_what_could_be_read_in_two_ways_is_refused(text):
    assert accepted(ALICE + text) is None
    assert accepted(text + ALICE) is None
    assert accepted(ALICE.replace("&user=", f"{text}&user=", 1)) is None


@pytest.mark.parametrize("at", range(3))
def test_fields_cannot_be_merged_into_one(at):
    # query_id=…\nsignature=… in one field would be signed like the two.
    lines = sorted(f"{k}={v}" for k, v in parse_qsl(ALICE) if k != "hash")
    lines[at : at + 2] = ["\n".join(lines[at : at + 2])]
    pairs = (line.partition("=") for line in lines)
    merged = [f"{name}={quote(value)}" for name, _, value in pairs]
    assert accepted("&".join([*merged, PAIRS[-1]])) is None


WEIRD = st.text(st.characters(exclude_categories=[]) | st.sampled_from("&=%+;{}\"'\0\n"))


@more
@given(WEIRD | st.binary().map(lambda data: data.decode("latin-1")))
@example("\ud800")
@example("\ud800.b")
def test_any_text_is_refused_as_sign_in_data_and_as_a_session(text):
    assert accepted(text) is None
    assert accepted(f"hash={text}&user={text}&auth_date={NOW}") is None
    with pytest.raises(Unauthorized):
        auth.resume_session(text, KEY, NOW)


@pytest.mark.parametrize("text", ["a=b&" * 100_000, "user=" + "x" * 1_000_000, "%" * 60_000])
def test_absurd_sizes_are_refused(text):
    assert accepted(text) is None
    assert accepted(ALICE + "&" + text) is None


def test_absurd_sizes_are_refused_even_if_signed():
    assert accepted(resigned(ALICE, start_param="x" * 1000))
    assert accepted(resigned(ALICE, start_param="x" * 20_000)) is None
    assert accepted(resigned(ALICE, **{f"field{n}": "x" for n in range(100)})) is None


def test_a_session_is_its_users_until_its_time_is_over():
    alice, bob = (auth.verify(text, KEY, NOW) for text in (ALICE, BOB))
    session, ends = auth.open_session(alice, KEY, NOW)
    assert NOW < ends <= NOW + 86_400
    assert auth.resume_session(session, KEY, NOW) == alice
    assert auth.resume_session(session, KEY, ends - 1) == alice
    assert auth.resume_session(auth.open_session(bob, KEY, NOW)[0], KEY, NOW) == bob
    for late in (ends, ends + 10**9):
        with pytest.raises(Unauthorized, match="expired"):
            auth.resume_session(session, KEY, late)


def test_a_new_token_ends_all_sessions():
    session, _ = auth.open_session(Account(5), KEY, NOW)
    with pytest.raises(Unauthorized):
        auth.resume_session(session, OTHER_KEY, NOW)


@pytest.mark.parametrize("account", [Account(5), Account(5, "A" * 255, "Б" * 255)])
def test_a_session_that_was_touched_is_refused(account):
    session, _ = auth.open_session(account, KEY, NOW)
    rng = random.Random(5)
    for at in range(len(session)):
        other = rng.choice([char for char in "ABCxyz019_-." if char != session[at]])
        for touched in (session[:at], session[:at] + other + session[at + 1 :], session[at + 1 :]):
            try:
                found = auth.resume_session(touched, KEY, NOW)
            except Unauthorized:
                continue
            # The last character of base64 has bits that say nothing.
            assert (at, found) == (len(session) - 1, account)


def test_a_session_with_another_user_put_in_is_refused():
    alice, bob = (auth.open_session(Account(n), KEY, NOW)[0] for n in (5, 6))
    with pytest.raises(Unauthorized):
        auth.resume_session(bob.rpartition(".")[0] + "." + alice.rpartition(".")[2], KEY, NOW)


@pytest.mark.parametrize("salt", [b"itsdangerous", b"", b"birthday-calendar feed", b"session"])
def test_what_the_same_key_signed_for_another_purpose_is_no_session(salt):
    content = {"ends": NOW + 1000, "user": {"telegram_id": 5}}
    for signer in ({}, auth.SIGNER):
        forged = URLSafeSerializer(KEY, salt=salt, signer_kwargs=signer).dumps(content)
        with pytest.raises(Unauthorized):
            auth.resume_session(forged, KEY, NOW)


def test_a_session_is_no_sign_in_data_and_sign_in_data_no_session():
    session, _ = auth.open_session(auth.verify(ALICE, KEY, NOW), KEY, NOW)
    body, _, signature = session.rpartition(".")
    for text in (session, f"user={body}&auth_date={NOW}&hash={signature}", f"hash={session}"):
        assert accepted(text) is None
    with pytest.raises(Unauthorized):
        auth.resume_session(ALICE, KEY, NOW)
