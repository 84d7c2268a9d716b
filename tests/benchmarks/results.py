"""How a workload times, says and returns what it found."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

from django.conf import settings

DIRECTORY = Path(os.environ["DATA"])
assert settings.DATABASES["default"]["NAME"] != "tradeline", "benchmarks have a database of their own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the product stands to a rival, named by a phrase; `target` is the ratio wanted, if one was set."""

    ratio: float
    rival: str
    target: float | None = None


def tell(name: str, result: Result) -> None:
    """Write the workload's last line, as JSON."""
    told = asdict(result) | {"ratio": round(result.ratio, 3)}
    sys.stdout.write(json.dumps({"bench": name, **told}) + "\n")
    sys.stdout.flush()


def say(words: str, seconds: float | None = None, **rates: float) -> None:
    """Write one line: what, how long, how many a second of each."""
    took = "" if seconds is None else f"{seconds:9.3f} s"
    told = "".join(f"{count / (seconds or 1):14,.0f} {what}/s" for what, count in rates.items())
    sys.stdout.write(f"  {words:<68}{took}{told}\n" if took else f"{words}\n")
    sys.stdout.flush()


def spread(words: str, seconds: Sequence[float]) -> None:
    """Write one line: what, and how long it takes at the median and at worst, in milliseconds."""
    cuts = quantiles(seconds, n=100)
    p50, p95, p99 = (1_000 * cuts[place - 1] for place in (50, 95, 99))
    say(f"  {words:<62} p50 {p50:5.0f} ms  p95 {p95:5.0f} ms  p99 {p99:5.0f} ms")


def ratio(words: str, slow: float, fast: float) -> float:
    """Return how often the second fits into the first; write it, and the peak memory of this process so far."""
    say(f"  = {words}: {slow / fast:.2f}; peak memory of this process {peak():,.0f} MB")
    return slow / fast


def peak() -> float:
    """Return the most memory that this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Give the best wall-clock time of so many tries, in seconds."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
