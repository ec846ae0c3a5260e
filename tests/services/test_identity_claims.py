"""Whatever stands in a signed identity, it names somebody or is refused in words."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot_saas.services import identity
from chatbot_saas.services.identity import IdentityInvalidError, Person

SECRET = "a secret of the tests, long enough"
BOT = "01a21cf2-dc60-7585-b0cd-4f4f1b32c5b2"


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def encoded(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode(errors="surrogatepass")).decode().rstrip("=")


def signed(claims: Any, head: Any = None) -> str:
    """By hand: the library refuses to make most of these."""
    body = f"{encoded(head or {'alg': 'HS256'})}.{encoded(claims)}"
    mark = jwt.get_algorithm_by_name("HS256").sign(body.encode(), SECRET.encode())
    return f"{body}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def at(claim: Any) -> Any:
    """A timedelta as the time so long from now: when the test runs, which is minutes after it was collected."""
    return now() + claim / timedelta(seconds=1) if isinstance(claim, timedelta) else claim


def named(**claims: Any) -> Person:
    claims = {name: at(claim) for name, claim in claims.items()}
    return identity.person_named(SECRET, BOT, signed({"sub": "7", "aud": BOT, "exp": now() + 600, **claims}))


NO_TIMES = ["", "1e9", [], {}, [1], True, False, None, float("nan"), float("inf"), -float("inf")]


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [*NO_TIMES, "soon"], ids=repr)
def test_what_is_no_time_is_refused(name: str, value: Any) -> None:
    with pytest.raises(IdentityInvalidError, match="not good"):
        named(**{name: value})


@pytest.mark.parametrize("ending", ["", ".5"])
def test_a_number_in_quotes_is_none(ending: str) -> None:
    with pytest.raises(IdentityInvalidError, match="must be a number"):
        named(exp=f"{now() + 600}{ending}")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 10**400}, "too long"),
        ({"exp": 1.7e308}, "too long"),
        ({"exp": -1}, "expired"),
        ({"exp": -(10**400)}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": -0.0}, "expired"),
        ({"nbf": 10**400}, "not good yet"),
        ({"nbf": timedelta(hours=1)}, "not good yet"),
        ({"aud": [BOT, 7]}, "another bot"),
        ({"aud": ["other"]}, "another bot"),
        ({"aud": {BOT: True}}, "another bot"),
        ({"aud": []}, "aud"),
        ({"aud": 7}, "another bot"),
        ({"sub": 7}, "not good"),
        ({"sub": ["7"]}, "not good"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "not good"),
        ({"sub": "x" * 201}, "not good"),
        ({"sub": "\x00"}, "not good"),
        ({"sub": "\ud800"}, "not good"),
        ({"name": "\x00"}, "not good"),
        ({"name": {"a": 1}}, "not good"),
        ({"email": ["a@example.com"]}, "not good"),
        ({"email": "\ud800@example.com"}, "not good"),
        ({"jti": 7}, "not good"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_told(claims: dict[str, Any], words: str) -> None:
    with pytest.raises(IdentityInvalidError, match=words) as refused:
        named(**claims)
    refused.value.message.encode()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": timedelta(minutes=10)},
        {"nbf": timedelta(seconds=-10)},
        {"nbf": timedelta(seconds=30)},
        {"nbf": -1},
        {"iat": timedelta(seconds=30)},
        {"iat": 0.5},
        {"aud": [BOT]},
        {"aud": ["other", BOT]},
        {"sub": "x" * 200},
        {"name": None, "email": None},
        {"surprise": {"deep": [1]}},
    ],
    ids=repr,
)
def test_what_is_unusual_and_right_is_taken(claims: dict[str, Any]) -> None:
    person = named(**claims)
    assert person.until is not None
    assert person.sub == claims.get("sub", "7")


@pytest.mark.parametrize(
    "token",
    [
        signed("[" * 3000),
        signed('{"a":' * 1500),
        signed("[]"),
        signed("null"),
        signed("{}"),
        signed('{"exp": ' + "9" * 5000 + "}"),
        signed({"sub": "7"}, {"alg": "HS256", "crit": ["\ud800"]}),
        signed({"sub": "7"}, {"alg": ["HS256"]}),
        signed({"sub": "7"}, {"alg": {"HS256": 1}}),
        signed({"sub": "7"}, {"alg": "HS256", "kid": 7}),
        signed({"sub": "7"}, {"alg": "HS256", "b64": False, "crit": ["b64"]}),
        signed({"sub": "7"}, [1]),
        f"{'[' * 3000}.e30.e30",
        f"{encoded('[' * 3000)}.e30.e30",
        *("", ".", "..", "...", "a.b.c", "\u00e9.\u00e9.\u00e9", "=.=.=", "-.-.-"),
    ],
)
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(IdentityInvalidError) as refused:
        identity.person_named(SECRET, BOT, token)
    refused.value.message.encode()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
NAMES = ("sub", "aud", "exp", "nbf", "iat", "jti", "iss", "name", "email")
CLAIMS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ANYTHING))
HEADS = st.fixed_dictionaries({"alg": st.just("HS256") | ANYTHING}, optional=dict.fromkeys(("kid", "typ"), ANYTHING))


QUICKLY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@QUICKLY
@given(CLAIMS, st.booleans())
def test_any_claims_name_somebody_or_are_refused(claims: dict[str, Any], alone: bool) -> None:
    given_claims = claims if alone else {"sub": "7", "aud": BOT, "exp": now() + 600} | claims
    try:
        person = identity.person_named(SECRET, BOT, signed(given_claims))
    except IdentityInvalidError as error:
        error.message.encode()
    else:
        assert 1 <= len(person.sub) <= 200
        assert person.until
        assert len(f"{person.name}{person.email}".encode()) < 2000


@QUICKLY
@given(st.text() | st.text("eyJ.-_=0aB", max_size=80), HEADS)
def test_any_token_is_refused(token: str, head: dict[str, Any]) -> None:
    for one in (token, f"{encoded(head)}.{token}.{token}", signed(token, head)):
        with pytest.raises(IdentityInvalidError) as refused:
            identity.person_named(SECRET, BOT, one)
        refused.value.message.encode()
