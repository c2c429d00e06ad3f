"""Write each component's program into its component.yaml, so that one file is the whole component.

A component that is loaded from a file, a text or a URL has no other files, so its program is part
of its command. Run this script after a change of a program; a test checks that the files agree.
"""

import re
from pathlib import Path

COMPONENTS = Path(__file__).with_name("components")
_PROGRAM = re.compile(r"^    - \|  # (?P<name>\w+\.py)\n(?:      .*\n|\n)*", re.MULTILINE)


def built(component: Path) -> str:
    """The text of a component.yaml with its program in it."""

    def program(found: re.Match[str]) -> str:
        lines = component.with_name(found["name"]).read_text().splitlines()
        indented = "".join(f"      {line}\n" if line else "\n" for line in lines)
        return f"    - |  # {found['name']}\n{indented}"

    return _PROGRAM.sub(program, component.read_text())


if __name__ == "__main__":
    for path in sorted(COMPONENTS.glob("*/component.yaml")):
        path.write_text(built(path))
