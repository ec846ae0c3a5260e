"""Settings: one object, read from the environment and `.env` once. `.env.example` documents every variable."""

import base64
import os
import re
import secrets
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
MIN_SECRET_LENGTH = 32
NEVER = "never"


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything an operator can change. Names are the environment variables in lower case."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    port: int = Field(default=3000, ge=1, le=65535)
    public_url: str = ""
    data_dir: Path = ROOT / ".data"
    models_dir: Path = ROOT / ".data" / "models"  # downloaded once and shared by every DATA_DIR
    log_level: str = "INFO"

    database_url: str = ""
    redis_url: str = ""
    chroma_url: str = ""
    blob_url: str = ""
    smtp_url: str = ""

    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = ""
    openai_model: str = "gpt-4o-mini"
    embedding_model: str = "text-embedding-3-small"
    fallback_model: str = ""
    fallback_base_url: str = ""
    fallback_api_key: SecretStr = SecretStr("")
    rerank_url: str = ""
    rerank_model: str = ""
    rerank_api_key: SecretStr = SecretStr("")

    secret_key: SecretStr = SecretStr("")
    encryption_key: SecretStr = SecretStr("")
    rate_limit_enabled: bool = True
    admin_email: str = ""
    admin_password: SecretStr = SecretStr("")
    trusted_proxies: str = ""
    crawl_allow_hosts: str = ""

    worker_in_process: bool = True
    worker_concurrency: int = Field(default=10, ge=1, le=64)
    nightly_at: str = "03:17"
    answer_cache_seconds: int = Field(default=1800, ge=0)
    model_timeout_seconds: float = Field(default=8.0, gt=0)
    upload_max_bytes: int = Field(default=25 * 1024 * 1024, gt=0)

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_origin(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError("PUBLIC_URL must look like https://chat.example.com")
        return value.rstrip("/")

    @field_validator("nightly_at")
    @classmethod
    def _nightly_at_is_a_time(cls, value: str) -> str:
        if value != NEVER and not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ValueError(f"NIGHTLY_AT must be a time (UTC) such as 03:17, or {NEVER}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.public_url:
            self.public_url = f"http://localhost:{self.port}"
        self.data_dir = self.data_dir.expanduser().resolve()
        self.models_dir = self.models_dir.expanduser().resolve()
        self.secret_key = self._secret("SECRET_KEY", self.secret_key)
        self.encryption_key = self._secret("ENCRYPTION_KEY", self.encryption_key)
        if len(self.secret_key.get_secret_value()) < MIN_SECRET_LENGTH:
            raise ValueError(f"SECRET_KEY must have at least {MIN_SECRET_LENGTH} characters: openssl rand -base64 48")
        try:
            key = base64.b64decode(self.encryption_key.get_secret_value(), validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ValueError("ENCRYPTION_KEY must be 32 bytes in base64: openssl rand -base64 32")
        return self

    def _secret(self, name: str, given: SecretStr) -> SecretStr:
        """The given secret; in development, one of our own that is kept with mode 0600 below DATA_DIR."""
        if given.get_secret_value():
            return given
        if self.environment is not Environment.DEVELOPMENT:
            raise ValueError(
                f"{name} is required when ENVIRONMENT is {self.environment.value}: openssl rand -base64 32"
            )
        return SecretStr(kept_secret(self.data_dir / "secrets" / name.lower()))

    @property
    def public_origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def own_origins(self) -> frozenset[str]:
        """Origins under which our own pages are served; the loopback name and address are one in development."""
        origin = self.public_origin
        if self.environment is Environment.DEVELOPMENT and "://localhost" in origin:
            return frozenset({origin, origin.replace("://localhost", "://127.0.0.1")})
        return frozenset({origin})

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def offline_models(self) -> bool:
        return not self.openai_api_key.get_secret_value()


def kept_secret(path: Path) -> str:
    """Read the secret at `path`, or make one there (32 random bytes, base64). Safe when two processes start at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        try:
            os.link(draft, path)  # unlike a rename, this never replaces a secret that another process just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


@lru_cache
def get_settings() -> Settings:
    return Settings()
