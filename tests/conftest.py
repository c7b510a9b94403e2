"""For all tests: a thread that a test leaves behind fails the run, instead of keeping it from ending."""

import os
import sys
import threading
import time

PATIENCE = 30.0  # seconds after the last test


def pytest_unconfigure() -> None:
    """Watch the end of the process from a thread that does not hold it up."""
    threading.Thread(target=_end_all_the_same, daemon=True).start()


def _end_all_the_same() -> None:
    time.sleep(PATIENCE)
    left = [thread.name for thread in threading.enumerate() if not thread.daemon]
    print(f"\nthreads that a test left running: {', '.join(left)}", file=sys.stderr, flush=True)
    os._exit(3)
