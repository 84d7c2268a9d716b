"""Run lines of Python on the test database, each request in a process of its own that is forked: this one starts once.

`python -m tests.forker`, in the environment of a worker. It reads requests as lines of JSON and answers each with the
exit code of its process: `lines`; `errors`, a file for what is complained about; `name`, of its sessions; `bank`, the
directory of the loopback bank; `banks`, that of the folders of banks.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import django


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def run(asked: dict[str, Any]) -> None:
    """Do what is asked; whoever comes to the end of it did not die."""
    try:
        os.environ["PGAPPNAME"] = asked["name"]
        settings.LOOPBACK_DIR = None if asked["bank"] is None else Path(asked["bank"])
        settings.BANKS_DIR = None if asked["banks"] is None else Path(asked["banks"])
        exec(asked["lines"], {})  # noqa: S102
    except BaseException:  # noqa: BLE001
        Path(asked["errors"]).write_text(traceback.format_exc())
    finally:
        os._exit(1)


if __name__ == "__main__":
    django.setup()
    from django.conf import settings

    import lending.tasks  # noqa: F401

    main()
