"""The shell script around an op's command: writes its input files, collects its output files."""

from __future__ import annotations


def wrapper(
    files: list[str], texts: list[str], declared: list[str], implicit: list[str]
) -> list[str]:
    """The beginning of a command that runs the rest of it in a shell script, which writes files
    before and collects files after it.

    A file that an earlier step left at a fixed path is deleted first, as a new container has none.
    Outputs that were not declared are collected only in containers, because steps that are
    processes on one machine share the same fixed paths. Like Argo, the script removes one final
    newline from strings.

    Args:
        files: Files to write: path and content, alternating.
        texts: Paths of files from which a final newline is removed.
        declared: Declared outputs to collect: source and target path, alternating.
        implicit: Outputs that were not declared, likewise.
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
