"""Steps that show the words of their commands."""

from kfp import dsl

WRITE_WORDS = (
    'for out; do :; done; mkdir -p "$(dirname "$out")"; : > "$out";'
    ' while [ $# -gt 1 ]; do printf "[%s]" "$1" >> "$out"; shift; done'
)


def write_words(*words) -> dsl.ContainerSpec:
    """A container that writes its words in brackets into the file that is the last word."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", WRITE_WORDS, "write"], list(words))


@dsl.container_component
def concat(text: str, number: int, data: dsl.Output[dsl.Dataset], value: dsl.OutputPath(str)):
    """Words that are concatenated from several parts."""
    inner = dsl.ConcatPlaceholder(["<", text, ">"])
    return write_words(
        dsl.ConcatPlaceholder(["--n=", number, ";", inner]),
        dsl.ConcatPlaceholder([text]),
        f"{text}-{number}",
        value,
    )
