"""The decorators that turn functions into components and pipelines."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, overload

from headrace.authoring import bootstrap, version1_hook
from headrace.authoring.components import ContainerComponent, GraphComponent, PythonComponent
from headrace.authoring.embedded import NOTEBOOK_PACKAGES, embedding_source, notebook_source
from headrace.authoring.signature import component_spec, without_optional
from headrace.authoring.source import component_source
from headrace.graph.config import PipelineConfig, TaskConfigField, TaskConfigPassthrough
from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import (
    ArtifactInCommand,
    InputListOfArtifactsPlaceholder,
    InputValuePlaceholder,
    OutputListOfArtifactsPlaceholder,
    OutputParameterPlaceholder,
)
from headrace.graph.interfaces.specs import Container
from headrace.step.types import InputAnnotation, OutputAnnotation, OutputPath, marker

Function = Callable[..., Any]
Passthroughs = Sequence[TaskConfigPassthrough | TaskConfigField]
DEFAULT_IMAGE = "python:3.11"


@overload
def component(func: Function) -> PythonComponent: ...


@overload
def component(
    func: None = None,
    *,
    base_image: str | None = None,
    target_image: str | None = None,
    packages_to_install: list[str] | None = None,
    pip_index_urls: list[str] | None = None,
    output_component_file: str | None = None,
    install_kfp_package: bool = True,
    kfp_package_path: str | None = None,
    pip_trusted_hosts: list[str] | None = None,
    use_venv: bool = False,
    additional_funcs: list[Function] | None = None,
    embedded_artifact_path: str | None = None,
    task_config_passthroughs: Passthroughs | None = None,
) -> Callable[[Function], PythonComponent]: ...


def component(
    func: Function | None = None,
    *,
    base_image: str | None = None,
    target_image: str | None = None,
    packages_to_install: list[str] | None = None,
    pip_index_urls: list[str] | None = None,
    output_component_file: str | None = None,
    install_kfp_package: bool = True,
    kfp_package_path: str | None = None,
    pip_trusted_hosts: list[str] | None = None,
    use_venv: bool = False,
    additional_funcs: list[Function] | None = None,
    embedded_artifact_path: str | None = None,
    task_config_passthroughs: Passthroughs | None = None,
) -> Any:
    """Make a component from a Python function.

    Args:
        func: A self-contained function, with annotations for its parameters and its result.
        base_image: The image to run it in, which must contain Python; default ``python:3.11``.
        target_image: An image that already contains the function; nothing is installed in it.
        packages_to_install: The packages that the function needs, as pip requirements.
        pip_index_urls: The package indexes to install from.
        output_component_file: Deprecated. A file to write the component's IR to.
        install_kfp_package: Whether to install kfp where the step runs without Headrace.
        kfp_package_path: What to install as kfp there.
        pip_trusted_hosts: Hosts that pip trusts without a valid certificate; default the indexes.
        use_venv: Whether to install packages into a separate virtual environment.
        additional_funcs: Other functions that this one calls.
        embedded_artifact_path: A file or folder to embed in the component, for a parameter that is
            an ``EmbeddedInput[...]``.
        task_config_passthroughs: Task settings to pass to the function's `dsl.TaskConfig`.

    Raises:
        TypeError: An annotation is missing, or cannot be used for an input or output.
        ValueError: A default is not valid for its input.
    """
    if output_component_file is not None:
        warnings.warn(
            "output_component_file parameter is deprecated and will eventually be removed. Please "
            "use `Compiler().compile()` to compile a component instead.",
            DeprecationWarning,
            stacklevel=2,
        )
    options = {key: value for key, value in locals().items() if key != "func"}
    if func is None:
        return functools.partial(_python_component, **options)
    return _python_component(func, **options)


def _python_component(
    func: Function,
    *,
    base_image: str | None,
    target_image: str | None = None,
    packages_to_install: list[str] | None,
    pip_index_urls: list[str] | None,
    output_component_file: str | None,
    install_kfp_package: bool,
    kfp_package_path: str | None,
    pip_trusted_hosts: list[str] | None,
    use_venv: bool,
    additional_funcs: list[Function] | None = None,
    embedded_artifact_path: str | None = None,
    task_config_passthroughs: Passthroughs | None,
    helper: str = "",
) -> PythonComponent:
    if base_image is None:
        base_image = DEFAULT_IMAGE
    spec = component_spec(func)
    if embedded_artifact_path:
        helper = embedding_source(embedded_artifact_path)
    if target_image:
        command = bootstrap.containerized_command()
    else:
        command = bootstrap.lightweight_command(
            component_source(func, additional_funcs, helper),
            packages_to_install,
            bootstrap.index_options(pip_index_urls, pip_trusted_hosts),
            install_kfp_package,
            kfp_package_path,
            use_venv,
        )
    spec.task_config_passthroughs = [
        TaskConfigPassthrough(each) if isinstance(each, TaskConfigField) else each
        for each in task_config_passthroughs or ()
    ]
    spec.container = Container(
        image=target_image or base_image,
        command=command,
        args=list(bootstrap.arguments(func.__name__)),
    )
    made = PythonComponent(spec, func)
    if output_component_file:
        from headrace.ir.write import write_package

        write_package(
            made.pipeline_spec, made.platform_spec, output_component_file, made.description
        )
    return made


@overload
def notebook_component(
    func: Function,
    *,
    notebook_path: str,
    base_image: str | None = None,
    packages_to_install: list[str] | None = None,
    output_component_file: str | None = None,
    pip_index_urls: list[str] | None = None,
    pip_trusted_hosts: list[str] | None = None,
    use_venv: bool = False,
    kfp_package_path: str | None = None,
    install_kfp_package: bool = True,
    task_config_passthroughs: Passthroughs | None = None,
) -> PythonComponent: ...


@overload
def notebook_component(
    func: None = None,
    *,
    notebook_path: str,
    base_image: str | None = None,
    packages_to_install: list[str] | None = None,
    output_component_file: str | None = None,
    pip_index_urls: list[str] | None = None,
    pip_trusted_hosts: list[str] | None = None,
    use_venv: bool = False,
    kfp_package_path: str | None = None,
    install_kfp_package: bool = True,
    task_config_passthroughs: Passthroughs | None = None,
) -> Callable[[Function], PythonComponent]: ...


def notebook_component(
    func: Function | None = None,
    *,
    notebook_path: str,
    base_image: str | None = None,
    packages_to_install: list[str] | None = None,
    output_component_file: str | None = None,
    pip_index_urls: list[str] | None = None,
    pip_trusted_hosts: list[str] | None = None,
    use_venv: bool = False,
    kfp_package_path: str | None = None,
    install_kfp_package: bool = True,
    task_config_passthroughs: Passthroughs | None = None,
) -> Any:
    """Make a component from a function that runs a notebook with ``dsl.run_notebook(name=value)``.

    Args:
        notebook_path: The notebook, or a folder with exactly one notebook, to embed in the
            component.
        packages_to_install: The packages that the notebook needs; default those that run a Python
            notebook.

    The other arguments are those of `dsl.component`.

    Raises:
        ValueError: There is not exactly one notebook at the path.
    """

    def decorate(function: Function) -> PythonComponent:
        packages = NOTEBOOK_PACKAGES if packages_to_install is None else packages_to_install
        return _python_component(
            function,
            base_image=base_image,
            packages_to_install=packages,
            pip_index_urls=pip_index_urls,
            output_component_file=output_component_file,
            install_kfp_package=install_kfp_package,
            kfp_package_path=kfp_package_path,
            pip_trusted_hosts=pip_trusted_hosts,
            use_venv=use_venv,
            task_config_passthroughs=task_config_passthroughs,
            helper=notebook_source(notebook_path),
        )

    return decorate if func is None else decorate(func)


def container_component(func: Function) -> ContainerComponent:
    """Make a component from a function that returns a `dsl.ContainerSpec`.

    The function is called once, with placeholders as its arguments.

    Raises:
        TypeError: An annotation is missing, or an element of the command is neither a string nor a
            placeholder.
        ValueError: The command uses an artifact itself, or an input that does not exist.
    """
    spec = component_spec(func, in_container=True)
    parameters = inspect.signature(func).parameters.values()
    made = func(
        *[_placeholder_for(each.name, without_optional(each.annotation)) for each in parameters]
    )
    spec.container = Container(
        image=made.image, command=list(made.command or ()), args=list(made.args or ())
    )
    spec.check_command()
    return ContainerComponent(spec, func)


def _placeholder_for(name: str, annotation: Any) -> Any:
    """The argument that a container component's function gets for a parameter."""
    mark = marker(annotation)
    if mark in (InputAnnotation, OutputAnnotation):
        is_list = types.is_artifact_list(annotation.__args__[0])
        if mark is InputAnnotation:
            return (
                InputListOfArtifactsPlaceholder(name)
                if is_list
                else ArtifactInCommand("input", name)
            )
        return (
            OutputListOfArtifactsPlaceholder(name) if is_list else ArtifactInCommand("output", name)
        )
    if isinstance(annotation, OutputPath):
        return OutputParameterPlaceholder(name)
    return InputValuePlaceholder(name)


@overload
def pipeline(func: Function) -> GraphComponent: ...


@overload
def pipeline(
    func: str | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    pipeline_root: str | None = None,
    display_name: str | None = None,
    pipeline_config: PipelineConfig | None = None,
) -> Callable[[Function], GraphComponent]: ...


def pipeline(
    func: Function | str | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    pipeline_root: str | None = None,
    display_name: str | None = None,
    pipeline_config: PipelineConfig | None = None,
) -> Any:
    """Make a pipeline from a function, which is called once to define it.

    Args:
        func: A function that calls components; its parameters are the pipeline's. If a parameter
            has no annotation, this is a pipeline of version 1. A string is the pipeline's name.
        name: The pipeline's name; default the function's.
        description: The pipeline's description; default the function's docstring.
        pipeline_root: The folder of the pipeline's artifacts.
        display_name: The pipeline's display name.
        pipeline_config: Settings of the whole pipeline.

    Raises:
        ValueError: The function defines no task, or the name is not a valid pipeline name.
        InvalidTopologyException: A task uses an output that it has no access to.
    """
    if isinstance(func, str):  # in version 1, the first positional argument is the name
        func, name = None, func

    def decorate(function: Function) -> GraphComponent:
        from headrace.ir.pipeline import define  # not needed to define components

        hook = version1_hook.installed()
        version1 = hook if hook is not None and hook.applies_to(function) else None
        if version1 is not None:
            spec = version1.read_spec(function, description, name)
        else:
            spec = component_spec(function, description=description, name=name)
        spec.graph, spec.platform = define(
            spec,
            function,
            pipeline_root,
            display_name or (name if version1 is not None else None),
            pipeline_config,
            begin=version1.begin if version1 is not None else None,
            finish=hook.finish if hook is not None else None,
        )
        return GraphComponent(spec, function, pipeline_config)

    return decorate if func is None else decorate(func)
