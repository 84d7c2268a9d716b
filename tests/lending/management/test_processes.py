import os
import signal
import sys
from pathlib import Path

from lending.management.processes import supervised
from tests.workers import wait_until

SLEEPER = "import os, time; open('{pids}', 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)"


def test_what_is_killed_is_started_again_and_ends_with_the_block(tmp_path: Path) -> None:
    """Red if the scheduler, once killed, stayed away until somebody noticed that nothing starts by itself."""
    pids = tmp_path / "pids"

    def started() -> list[int]:
        return [int(line) for line in pids.read_text().split()] if pids.exists() else []

    with supervised([sys.executable, "-c", SLEEPER.format(pids=pids)], log=tmp_path / "log"):
        wait_until(lambda: len(started()) == 1)
        os.kill(started()[0], signal.SIGKILL)
        wait_until(lambda: len(started()) == 2)
    assert not Path(f"/proc/{started()[1]}").exists()
