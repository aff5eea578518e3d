"""The benchmarks: `python bench/run.py [--quick] [NAME …]`, all of BENCHMARKS if none is named.

Ratios of medians from rounds that alternate between what is compared, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable

import aws
import calls
import footprint
import limits
import micro
import people
import replies
import revocation
import sdk_node
import sdk_python
import sessions
from figures import missed, postgresql

BENCHMARKS: dict[str, Callable[[bool], None]] = {
    "micro": micro.measure,
    "aws": aws.measure,
    "sdk_node": sdk_node.measure,
    "sdk_python": sdk_python.measure,
    "size": footprint.size,
    "start": footprint.start,
    "replies": replies.measure,
    "sessions": sessions.measure,
    "calls": calls.measure,
    "limits": limits.measure,
    "revocation": revocation.measure,
    "people": people.measure,
    "memory": footprint.memory,
}


def main() -> None:
    """Run the benchmarks asked for; the last line says which figures were missed."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter rounds, and a tenth of the memory's calls"
    )
    parser.add_argument("name", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all if none is named")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, PostgreSQL {postgresql()}, {os.cpu_count()} CPUs, "
        f"load before the run {load:.1f}; CPU is user and system time, in microseconds a request",
        flush=True,
    )
    for name in options.name or BENCHMARKS:
        BENCHMARKS[name](options.quick)
    print(f"missed: {', '.join(missed)}" if missed else "every figure holds")


if __name__ == "__main__":
    main()
