"""Passwords, opaque tokens, JSON web tokens and encryption at rest."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import bcrypt
import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatbot_saas.core.errors import UnauthenticatedError
from chatbot_saas.core.ids import new_id

ACCESS_TOKEN_LIFE = timedelta(minutes=15)
REFRESH_TOKEN_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=14)
VISITOR_TOKEN_LIFE = timedelta(hours=24)
VISITOR_KEY_LIFE = timedelta(days=180)
_ALGORITHM = "HS256"
_ISSUER = "chatbot-saas"
_BCRYPT_ROUNDS = 12


def hash_password(password: str, rounds: int = _BCRYPT_ROUNDS) -> str:
    """bcrypt over a SHA-256 of the password, because bcrypt itself stops reading at 72 bytes. Takes ~200 ms."""
    return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(rounds)).decode()


def verify_password(password: str, hashed: str | None) -> bool:
    """Takes the same time for an unknown account (`hashed` is None) as for a known one."""
    reference = hashed or _UNKNOWN_ACCOUNT
    return bcrypt.checkpw(_prehash(password), reference.encode()) and hashed is not None


def _prehash(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode()).digest())


_UNKNOWN_ACCOUNT = "$2b$12$j.YAn2Cg6emDVb3RRCZQBumLolifxb9AJ7BwSmfN4KwFTjhFNwugu"
"""A hash of as many rounds, which no password has."""


def new_token(prefix: str = "") -> str:
    """An opaque secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of an opaque token. It is random enough that a fast hash is safe."""
    return hashlib.sha256(token.encode()).digest()


def issue_jwt(secret: str, kind: str, life: timedelta, claims: dict[str, Any]) -> tuple[str, datetime]:
    """A signed token of one kind (`access`, `visitor` or `returning`), and when it ends."""
    now = datetime.now(UTC)
    expires = now + life
    payload = {"iss": _ISSUER, "aud": kind, "typ": kind, "iat": now, "exp": expires, "jti": str(new_id()), **claims}
    return jwt.encode(payload, secret, algorithm=_ALGORITHM), expires


def read_jwt(secret: str, kind: str, token: str) -> dict[str, Any]:
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=kind,
            issuer=_ISSUER,
            options={"require": ["exp", "iat", "aud", "iss"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise UnauthenticatedError("The token has expired. Get a new one.", reason="token_expired") from error
    except jwt.PyJWTError as error:
        raise UnauthenticatedError("The token is not valid.", reason="token_invalid") from error
    if claims.get("typ") != kind:
        raise UnauthenticatedError("The token is not valid.", reason="token_invalid")
    return claims


def signature(secret: str, label: str, value: dict[str, Any]) -> str:
    """HMAC-SHA256 over the value's canonical JSON, by a key that follows from the secret and is for this label only.

    Canonical as in RFC 8785, for what holds no fractions: keys sorted, no spaces, nothing escaped that need not be.
    """
    key = hmac.new(secret.encode(), label.encode(), hashlib.sha256).digest()
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "hmac-sha256:" + hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def same_signature(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))


class SecretBox:
    """Encrypts tenants' secrets at rest: AES-256-GCM, random nonce, the tenant id as additional data.

    Stored as `v1:<key id>:<base64 of nonce and ciphertext>`; the key id tells which key to use after a rotation.
    """

    def __init__(self, key: str) -> None:
        raw = base64.b64decode(key)
        self._aead = AESGCM(raw)
        self._key_id = hashlib.sha256(raw).hexdigest()[:8]

    def seal(self, tenant_id: UUID, secret: str) -> str:
        nonce = os.urandom(12)
        sealed = nonce + self._aead.encrypt(nonce, secret.encode(), tenant_id.bytes)
        return f"v1:{self._key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, tenant_id: UUID, stored: str) -> str:
        """Raises ValueError for another tenant's secret or a key that is no longer configured."""
        version, key_id, body = stored.split(":", 2)
        if version != "v1" or key_id != self._key_id:
            raise ValueError("The secret was encrypted with another ENCRYPTION_KEY.")
        raw = base64.b64decode(body)
        try:
            return self._aead.decrypt(raw[:12], raw[12:], tenant_id.bytes).decode()
        except InvalidTag as error:
            raise ValueError("The secret does not belong here.") from error
