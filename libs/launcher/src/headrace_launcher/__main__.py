"""``python -I -S <this folder> LAUNCH.json`` runs one launch. ``--serve`` is the fork server, whose
standard input is a Unix socket."""

import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from headrace_launcher import fork_server, step  # after the change of the path

if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        with socket.socket(fileno=os.dup(0)) as control:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            fork_server.serve(control)
    elif len(sys.argv) == 2:
        sys.exit(step.run(sys.argv[1]))
    else:
        sys.exit("usage: python -I -S headrace_launcher LAUNCH.json | --serve")
