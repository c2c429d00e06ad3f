"""The pipelines that the scripts submit: short steps without Python."""

from kfp import dsl


@dsl.container_component
def write(text: str, model: dsl.Output[dsl.Model]):
    return dsl.ContainerSpec(
        image="none",
        command=["sh", "-c", 'mkdir -p "$(dirname "$1")" && printf "%s" "$0" > "$1" && echo said'],
        args=[text, model.path],
    )


@dsl.container_component
def shell(script: str):
    return dsl.ContainerSpec(image="none", command=["sh", "-c"], args=[script])


@dsl.container_component
def read(model: dsl.Input[dsl.Model]):
    return dsl.ContainerSpec(image="none", command=["cat"], args=[model.path])


@dsl.pipeline(name="written-and-read")
def written_and_read(text: str = "hello"):
    """One step writes a model, and another reads it."""
    read(model=write(text=text).outputs["model"])


@dsl.pipeline(name="one-command")
def one_command(script: str = "true"):
    """Runs a shell script."""
    shell(script=script).set_caching_options(False)
