"""What a worker imports: it holds all of it, and so does each of its children."""

import subprocess
import sys


def test_a_worker_imports_pyarrow_with_a_file_at_the_earliest() -> None:
    """Red if a module that every process imports imports it: it takes as much memory as all else together."""
    program = "from config.celery import app; app.loader.import_default_modules(); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    modules = set(done.stdout.split())
    assert {"merchants.tasks", "scoring.tasks", "lending.tasks", "merchants.admin.upload"} <= modules
    assert "pyarrow" not in modules
