from tests.architecture.lock import faults
from tests.conftest import ROOT

PROJECT = """
[project]
dependencies = ["celery[redis]>=5.7,<5.8", "Django_Unfold==0.91.0"]
[project.optional-dependencies]
dev = ["ruff"]
"""
LOCK = """celery==5.7.1 \\
    --hash=sha256:aa
    # via tradeline (pyproject.toml)
django-unfold==0.91.0 \\
    --hash=sha256:aa
    # via tradeline (pyproject.toml)
kombu==5.6.0 ; sys_platform != 'win32' \\
    --hash=sha256:aa
    # via celery
ruff==0.14 \\
    --hash=sha256:aa
    # via
    #   tradeline (pyproject.toml)
    #   other
"""


def test_the_lock_is_what_the_project_asks_for() -> None:
    assert faults((ROOT / "pyproject.toml").read_text(), (ROOT / "requirements.lock").read_text()) == []


def test_whatever_differs_is_named() -> None:
    """Red if a dependency that was dropped, added or moved stayed unseen, as django-axes did."""
    assert faults(PROJECT, LOCK) == []
    assert faults(PROJECT.replace('"ruff"', ""), LOCK) == ["ruff is pinned, and pyproject.toml does not name it"]
    assert faults(PROJECT.replace('"ruff"', '"ruff", "uv"'), LOCK) == ["uv is not pinned"]
    assert faults(PROJECT.replace('"ruff"', '"ruff", "kombu"'), LOCK) == [
        "kombu is pinned, and pyproject.toml does name it"
    ]
    assert faults(PROJECT.replace("0.91.0", "0.92.0"), LOCK) == ["django-unfold 0.91.0 is not ==0.92.0"]
