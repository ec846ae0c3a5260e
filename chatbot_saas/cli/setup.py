"""What a first start fetches and makes: model files and pages. Each part is quick when it is there already."""

from pathlib import Path

from chatbot_saas.adapters.model_files import ensure_model_files
from chatbot_saas.cli.pages import ready_build
from chatbot_saas.cli.progress import say
from chatbot_saas.core.settings import get_settings


def fetch_models(models_dir: Path) -> None:
    """The offline embedding model and the token tables."""
    ensure_model_files(models_dir, lambda message: say(f"==> {message}"))


def prepare(models_dir: Path) -> Path:
    """Everything there, quickly if it is there already. Returns the folder of the built pages."""
    fetch_models(models_dir)
    return ready_build()


def main(_: list[str]) -> int:
    prepare(get_settings().models_dir)
    return 0
