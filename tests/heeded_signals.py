"""What a test gives to `subprocess.Popen` as `preexec_fn` before it sends a signal to the process."""

from __future__ import annotations

import signal


def heed_signals() -> None:
    """A test run that was started by `nohup`, or in the background, ignores SIGHUP and SIGINT, and its children would inherit that."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
