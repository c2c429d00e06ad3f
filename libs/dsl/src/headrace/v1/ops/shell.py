"""The shell script around an op's command: writes its input files, collects its output files."""

from __future__ import annotations


def wrapper(
    files: list[str], texts: list[str], declared: list[str], implicit: list[str]
) -> list[str]:
    """The shell around a command: it writes files before, and collects others after.

    A file of an earlier step that still lies in a fixed place is deleted first: a container has
    none. What no command has declared is collected in containers alone, as steps that are
    processes of one machine share its fixed places. As Argo did, it takes one line's end from
    texts.
    """
    lines: list[str] = []
    for number in range(1, len(files), 2):
        lines += [
            f'mkdir -p "${{{number}%/*}}"',
            f'printf %s "${{{number + 1}}}" > "${{{number}}}"',
        ]
    moves = [*declared, *implicit]
    first, places = len(files) + 1, range(len(moves) // 2)
    for place in places:
        number = first + 2 * place
        lines.append(f'from{place}="${{{number}}}" to{place}="${{{number + 1}}}"')
        if 2 * place >= len(declared):
            lines.append(f'[ -z "$HEADRACE_DATA_DIR" ] || from{place}=')
        lines.append(f'if [ -f "$from{place}" ]; then rm -f "$from{place}" || from{place}=; fi')
    first += len(moves)
    lines += [f'text{place}="${{{first + place}}}"' for place in range(len(texts))]
    lines.append(f"shift {len(files) + len(moves) + len(texts)}")
    lines.append('"$@"' if moves or texts else 'exec "$@"')
    for place in places:
        lines += [
            f'if [ -e "$from{place}" ]; then',
            f'  mkdir -p "${{to{place}%/*}}"',
            f'  cp -R "$from{place}" "$to{place}"',
            "fi",
        ]
    for place in range(len(texts)):
        lines += [
            f'if [ -f "$text{place}" ]; then',
            f'  text="$(cat "$text{place}"; echo .)"',
            '  text="${text%.}"',
            f'  printf %s "${{text%{chr(10)}}}" > "$text{place}"',
            "fi",
        ]
    return ["sh", "-ec", "\n".join(lines) + "\n", "sh", *files, *moves, *texts]
