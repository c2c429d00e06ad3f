"""Embed each component's program in its component.yaml.

A component that is loaded from a file, a string or a URL is a single file, so its command contains
its program. Run this script after changing a program; a test checks that they are equal.
"""

import re
from pathlib import Path

COMPONENTS = Path(__file__).with_name("components")
_PROGRAM = re.compile(r"^    - \|  # (?P<name>\w+\.py)\n(?:      .*\n|\n)*", re.MULTILINE)


def built(component: Path) -> str:
    """The text of a component.yaml with its program embedded."""

    def program(found: re.Match[str]) -> str:
        lines = component.with_name(found["name"]).read_text().splitlines()
        indented = "".join(f"      {line}\n" if line else "\n" for line in lines)
        return f"    - |  # {found['name']}\n{indented}"

    return _PROGRAM.sub(program, component.read_text())


if __name__ == "__main__":
    for path in sorted(COMPONENTS.glob("*/component.yaml")):
        path.write_text(built(path))
