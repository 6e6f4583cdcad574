"""A board for tests: a pseudo-terminal that plays what a device says."""

import os
import pty
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def board(*said: bytes, hang_up: bool = False) -> Iterator[str]:
    """Yield a port at which a device says ``said``, piece by piece, and then no more."""
    master, slave = pty.openpty()
    port = os.ttyname(slave)
    over = threading.Event()

    def play() -> None:
        while termios.tcgetattr(master)[3] & termios.ICANON and not over.wait(0.01):
            pass  # nobody listens yet: opening empties the line
        for piece in said:
            os.write(master, piece)
            time.sleep(0.02)
        if hang_up:
            os.close(slave)
            os.close(master)

    player = threading.Thread(target=play)
    player.start()
    try:
        yield port
    finally:
        over.set()
        player.join()
        if not hang_up:
            os.close(slave)
            os.close(master)
