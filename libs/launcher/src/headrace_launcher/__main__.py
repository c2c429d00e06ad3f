"""``python -I -S <this folder> LAUNCH.json`` runs one launch. ``--serve`` is the fork server, whose
standard input is a Unix socket."""

import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from headrace_launcher import fork_server, step  # after the change of the path
from headrace_launcher.files import LossyText


def _control() -> socket.socket:
    """The socket, moved away from the standard input. Whatever else was inherited is closed: no
    launcher and no step needs it."""
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    return control


if __name__ == "__main__":
    sys.stderr = LossyText(sys.stderr)
    if sys.argv[1:] == ["--serve"]:
        with _control() as control:
            fork_server.serve(control)
    elif len(sys.argv) == 2:
        sys.exit(step.run(sys.argv[1]))
    else:
        sys.exit("usage: python -I -S headrace_launcher LAUNCH.json | --serve")
