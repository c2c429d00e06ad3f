"""Starts the executor: finds the component's function, and hands it its executor input.

A step's log holds what the function says and nothing else; when the function fails, the traceback
begins at the function.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType, TracebackType
    from typing import Any

_OPTIONS = ("--component_module_path", "--function_to_execute", "--executor_input")
_CONFIG_FILE = "kfp_config.ini"
_LOG_FORMAT = "[Headrace %(asctime)s %(levelname)s]: %(message)s"


def main(arguments: Sequence[str] | None = None) -> None:
    """Execute a component's function.

    Args:
        arguments: ``--function_to_execute NAME --executor_input JSON``, and also
            ``--component_module_path FILE`` unless `kfp_config.ini` in the working folder says it;
            those of the process when None. Others are passed over.

    Raises:
        SystemExit: with 2 when the arguments do not say what to execute, with 1 when that failed.
    """
    options = _options(sys.argv[1:] if arguments is None else arguments)
    _log_as_info_when_asked()
    try:
        _execute(options)
    except Exception as error:
        _explain(error)
        error.__traceback__ = _of_the_component(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


def main_from_file(path: str) -> None:
    """The same with the arguments from a file, as a JSON list: Linux limits those of a process."""
    from headrace.step.jsontext import loads

    if sys.path and sys.path[0] == "":
        sys.path[0] = os.getcwd()  # as for ``python3 -m``
    if sys.flags.no_site:
        _stand_in_for_site()
    with open(path, encoding="utf-8") as file:
        arguments = loads(file.read())
    sys.argv = ["-m", *arguments]
    main(arguments)


def _stand_in_for_site() -> None:
    """What `site` would do in a virtual environment whose packages have no ``.pth`` files. `site`
    itself takes half as long as Python's start."""
    import _sitebuiltins
    import builtins

    root, within, _ = sys.executable.rpartition("/bin/")
    if within and os.path.exists(f"{root}/pyvenv.cfg"):
        sys.prefix = sys.exec_prefix = root
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        sys.path.append(f"{root}/lib/{version}/site-packages")
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()


def _execute(options: dict[str, str]) -> None:
    from headrace.step import jsontext
    from headrace.step.executor import Executor

    name = options["--function_to_execute"]
    path = options.get("--component_module_path") or _configured_path(name)
    if os.environ.get("_KFP_RUNTIME") == "true":
        _use_names_of_steps()
    try:
        executor_input = jsontext.loads(options["--executor_input"])
    except ValueError as error:
        raise ValueError(f"The executor input is no JSON: {error}") from None
    module = _load(path)
    if not hasattr(module, name):
        raise AttributeError(f"The component's module {path} has no function {name!r}.")
    Executor(executor_input, getattr(module, name)).execute()


def _options(arguments: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        option, equals, value = word.partition("=")
        if option in _OPTIONS:
            found[option] = value if equals else next(rest, "")
    missing = [option for option in _OPTIONS[1:] if not found.get(option)]
    if missing:
        sys.stderr.write(f"headrace.component: {' and '.join(missing)} must be given\n")
        raise SystemExit(2)
    return found


def _configured_path(name: str) -> str:
    """The module of a component of an image that was built from a folder of components."""
    import configparser

    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(_CONFIG_FILE)
    components = dict(parser["Components"]) if parser.has_section("Components") else {}
    if name not in components:
        known = ", ".join(components) or "none"
        raise RuntimeError(
            f"--component_module_path is not given, and the components in `{_CONFIG_FILE}` do not "
            f"include `{name}`. They are: {known}"
        )
    return components[name]


def _load(path: str) -> ModuleType:
    """The component's module; its folder comes first in `sys.path`, for what lies beside it."""
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import spec_from_file_location

    name = os.path.basename(path)
    spec = spec_from_file_location(name[: -len(".py")] if name.endswith(".py") else name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"The component's module {path} is no Python file.")
    module: ModuleType = module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, os.path.dirname(path))
    writes_bytecode, sys.dont_write_bytecode = not sys.dont_write_bytecode, True
    try:  # a step's module is executed once only
        code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    finally:
        sys.dont_write_bytecode = not writes_bytecode
    exec(code, vars(module))  # noqa: S102 - the component itself
    return module


def _use_names_of_steps() -> None:
    """Make `headrace.dsl` what a step may use, also where the whole SDK is installed: it starts
    faster, and behaves the same everywhere."""
    from headrace.step import dsl

    sys.modules["headrace.dsl"] = dsl
    vars(sys.modules["headrace"])["dsl"] = dsl


class _LoggingFinder:
    """Waits for the first import of `logging`, whose own imports take longer than Python's start,
    and sets it up."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _LoggingLoader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _LoggingLoader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _set_up(module)


def _log_as_info_when_asked() -> None:
    if "logging" in sys.modules:
        _set_up(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, _LoggingFinder())


def _set_up(logging: Any) -> None:
    """Let it write all from INFO on to standard output, where the component's other words go."""
    logging.basicConfig(stream=sys.stdout, format=_LOG_FORMAT, level=logging.INFO)


def _of_the_component(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this package that led to the component; the whole when
    nothing else is in it."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = traceback
    while rest is not None and _is_ours(rest.tb_frame.f_code.co_filename, here):
        rest = rest.tb_next
    return rest or traceback


def _is_ours(file: str, here: str) -> bool:
    return file.startswith("<frozen importlib") or os.path.dirname(file) == here


def _explain(error: Exception) -> None:
    """Say what to do about a missing `kfp`, which a step does not carry."""
    if isinstance(error, ModuleNotFoundError) and error.name in ("kfp", "kfp.dsl"):
        error.msg += (
            ": a step of this component has no kfp. Import from headrace instead, "
            "or add kfp to the component's packages_to_install."
        )
