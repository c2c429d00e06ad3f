"""``python -I -S <this folder> LAUNCH.json`` runs one launch; ``--serve`` is the fork server."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from headrace_launcher import forkserver, step  # the path comes first

if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        forkserver.serve(sys.stdin, sys.stdout)
    elif len(sys.argv) == 2:
        sys.exit(step.run(sys.argv[1]))
    else:
        sys.exit("usage: python -I -S headrace_launcher LAUNCH.json | --serve")
