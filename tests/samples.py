"""The documentation's samples, as they stand."""

import re

from chatbot_saas.core.settings import ROOT


def samples(page: str, language: str) -> list[str]:
    """`page`: from the project's root."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
