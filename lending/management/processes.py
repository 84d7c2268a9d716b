"""Keep processes running beside a command."""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

PAUSE = 1  # seconds before a process that ended is restarted: one that cannot start must not spin
PATIENCE = 30  # seconds for a warm shutdown


def free_port() -> int:
    """Find a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def supervised(*commands: Sequence[str], log: Path) -> Iterator[None]:
    """Run each command while the block runs, restarting it whenever it ends; end them with the block."""
    over = Event()
    threads = [Thread(target=_keep_running, args=(command, log, over)) for command in commands]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _keep_running(command: Sequence[str], log: Path, over: Event) -> None:
    while not over.is_set():
        with log.open("ab") as output:  # a session of its own: Ctrl-C is for the command, which ends them in order
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
        while process.poll() is None and not over.wait(PAUSE):
            pass
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
