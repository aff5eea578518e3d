"""What a call through the TypeScript SDK costs the client beyond the same request by fetch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from figures import figure, note

_HERE = Path(__file__).parent
_MAKE = _HERE.parent / "sdk" / "typescript" / "make.py"


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure the client's CPU in calls one after the other, in rounds that alternate."""
    rounds = (9, 200) if quick else (25, 1000)
    command = [sys.executable, str(_MAKE), "node", str(_HERE / "sdk_node.mjs"), *map(str, rounds)]
    took = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    more = median(sdk - bare for sdk, bare in zip(took["sdk"], took["fetch"], strict=True))
    note(f"a request by fetch alone: {median(took['fetch']):.0f} us")
    figure("TypeScript SDK, beyond fetch", more / 1000, 0.15, "ms", "CPU a call")
