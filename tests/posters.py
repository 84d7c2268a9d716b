"""Send files all at once, each from a process of its own that dies twice before it gets through; print how many died.

`python -m tests.posters PARTNER PATH...`, in the environment of a worker.
"""

import os
import signal
import sys
from itertools import count, islice, takewhile
from pathlib import Path
from random import Random
from threading import Timer

import django
from django.utils import timezone

ROWS_A_BATCH = 40


def main() -> None:
    """Fork a poster for each path, again and again, until all got through; start up only once."""
    partner, paths = int(sys.argv[1]), list(map(Path, sys.argv[2:]))
    chance, died = Random(9), 0  # noqa: S311
    for attempt in count():
        running = {}
        for number, path in enumerate(paths):
            death = (chance.randrange(10), chance.uniform(0, 0.05)) if attempt < 2 else None
            child = os.fork()
            if not child:
                post(partner, path, as_partner=number % 2 == 0, death=death)
                os._exit(0)
            running[child] = path
        while running:
            child, status = os.wait()
            path = running.pop(child)
            died += os.WIFSIGNALED(status)
            if not os.WIFSIGNALED(status):
                assert status == 0, f"the poster of {path} failed"
                paths.remove(path)
        if not paths:
            sys.stdout.write(f"{died}\n")
            return


def post(partner: int, path: Path, *, as_partner: bool, death: tuple[int, float] | None) -> None:
    """Send a file in small batches, as a partner does or as an import.

    `death` is the batch, counted from 0, and the seconds after its beginning; whoever is faster dies at the end.
    """
    file = open_feed_file(path, COLUMNS)
    rows, blocks = rows_of(file), blocks_of(file, wanted=COLUMNS, lines_a_block=ROWS_A_BATCH)
    chunks = takewhile(bool, (list(islice(rows, ROWS_A_BATCH)) for _ in count()))
    for number, (chunk, block) in enumerate(zip(chunks, blocks, strict=True)):
        if death is not None and number == death[0]:
            Timer(death[1], os.kill, (os.getpid(), signal.SIGKILL)).start()
        if as_partner:
            receive_batch(partner_id=partner, source=path.name, rows=chunk, actor=SYSTEM, now=timezone.now())
        else:
            receive_block(partner_id=partner, source=path.name, block=block, actor=SYSTEM, clock=timezone.now)
    if death is not None:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    django.setup()
    from config.office.actors import SYSTEM
    from merchants.domain.transaction import COLUMNS
    from merchants.gateways.feed_blocks import blocks_of
    from merchants.gateways.feed_files import open_feed_file, rows_of
    from merchants.operations.file_ingestion import receive_block
    from merchants.operations.ingestion import receive_batch

    main()
