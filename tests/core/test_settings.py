from pathlib import Path

import pytest
from pydantic import ValidationError

from chatbot_saas.core.settings import NEVER, Settings


def nightly_at(data_dir: Path, value: str) -> str:
    return Settings(_env_file=None, data_dir=data_dir, nightly_at=value).nightly_at  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("value", ["00:00", "03:17", "23:59", NEVER])
def test_a_time_of_the_night_or_none(tmp_path: Path, value: str) -> None:
    assert nightly_at(tmp_path, value) == value


@pytest.mark.parametrize(
    "value", ["", "3:17", "24:00", "03:60", "0317", "03:17:00", "03:17 UTC", "* *", "Never", "٠٣:١٧"]
)
def test_anything_else_is_told_at_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValidationError, match=r"NIGHTLY_AT must be a time \(UTC\) such as 03:17, or never"):
        nightly_at(tmp_path, value)
