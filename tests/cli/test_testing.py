"""`make test` in a project of two tests: one fails where others run beside it, one always if it is told to."""

from pathlib import Path

import pytest

from chatbot_saas.cli import testing

TESTS = """
import os
from pathlib import Path

def test_needs_the_machine_for_itself():
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_always():
    assert {good}
"""


@pytest.mark.parametrize("good", [True, False])
def test_what_fails_beside_others_is_run_again_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], good: bool
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = soak\n")
    (tmp_path / "test_two.py").write_text(TESTS.format(good=good))
    monkeypatch.setattr(testing, "ROOT", tmp_path)
    monkeypatch.setattr(testing, "ensure_browser", lambda: None)
    monkeypatch.setattr(testing, "prepare", lambda folder: None)  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setattr(testing, "WORKERS", "2")
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the others take a second to load, in each process
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist.plugin -p pytest_cov.plugin")
    assert (testing.main([]) == 0) is good
    said = capfd.readouterr().out
    assert "run again, alone" in said
    assert "test_needs_the_machine_for_itself PASSED" in said
    assert ("test_always PASSED" in said) is False, "what passed is not run again"
