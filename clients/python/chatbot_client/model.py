"""What every result is."""

from typing import Self

from pydantic import BaseModel, ConfigDict, PrivateAttr


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)

    _etag: str = PrivateAttr(default="")

    @classmethod
    def from_answer(cls, content: bytes, etag: str) -> Self:
        made = cls.model_validate_json(content)
        made._etag = etag
        return made

    @property
    def etag(self) -> str:
        """What `if_match` takes, so that a change fails when somebody else was faster. Empty where there is none."""
        return self._etag
