"""Entry point of a step: loads the component's function and executes it with its executor input.

A step's log contains only the function's own output. When the function fails, the traceback starts
at the function.
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
        arguments: ``--function_to_execute NAME --executor_input JSON``, and
            ``--component_module_path FILE`` unless `kfp_config.ini` in the working folder has it.
            None reads `sys.argv`. Other arguments are ignored.

    Raises:
        SystemExit: 2 when a required argument is missing, 1 when the execution failed.
    """
    options = _options(sys.argv[1:] if arguments is None else arguments)
    _configure_logging()
    try:
        _execute(options)
    except Exception as error:
        _add_hint(error)
        error.__traceback__ = _without_sdk_frames(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


def main_from_file(path: str) -> None:
    """Execute a component's function with arguments from a file that contains a JSON list.

    Linux limits the size of a process's arguments; a file has no such limit.
    """
    from headrace.step.jsontext import loads

    if sys.path and sys.path[0] == "":
        sys.path[0] = os.getcwd()  # as for ``python3 -m``
    if sys.flags.no_site:
        _emulate_site()
    with open(path, encoding="utf-8") as file:
        arguments = loads(file.read())
    sys.argv = ["-m", *arguments]
    main(arguments)


def _emulate_site() -> None:
    """Do what `site` does in a virtual environment whose packages have no ``.pth`` files.

    Importing `site` itself takes half as long as Python's start.
    """
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
        _use_step_dsl()
    try:
        executor_input = jsontext.loads(options["--executor_input"])
    except ValueError as error:
        raise ValueError(f"--executor_input is not valid JSON: {error}") from None
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
    """The module path of a component in an image that was built from a folder of components."""
    import configparser

    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(_CONFIG_FILE)
    components = dict(parser["Components"]) if parser.has_section("Components") else {}
    if name not in components:
        known = ", ".join(components) or "none"
        raise RuntimeError(
            f"--component_module_path is not given, and `{_CONFIG_FILE}` has no component "
            f"`{name}`. Its components: {known}"
        )
    return components[name]


def _load(path: str) -> ModuleType:
    """Import the component's module, with its folder first in `sys.path`."""
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import spec_from_file_location

    name = os.path.basename(path)
    spec = spec_from_file_location(name[: -len(".py")] if name.endswith(".py") else name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"The component's module {path} is not a Python file.")
    module: ModuleType = module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, os.path.dirname(path))
    writes_bytecode, sys.dont_write_bytecode = not sys.dont_write_bytecode, True
    try:  # a step executes its module only once, so its bytecode is not written
        code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    finally:
        sys.dont_write_bytecode = not writes_bytecode
    exec(code, vars(module))  # noqa: S102 - the component itself
    return module


def _use_step_dsl() -> None:
    """Use `headrace.step.dsl` as `headrace.dsl`, even when the whole SDK is installed: it imports
    faster, and steps behave the same everywhere."""
    from headrace.step import dsl

    sys.modules["headrace.dsl"] = dsl
    vars(sys.modules["headrace"])["dsl"] = dsl


class _LoggingFinder:
    """Configures `logging` when it is first imported: its imports take longer than Python's start,
    so a step that does not log does not import it."""

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
        _configure(module)


def _configure_logging() -> None:
    if "logging" in sys.modules:
        _configure(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, _LoggingFinder())


def _configure(logging: Any) -> None:
    """Log from INFO on to standard output, like the component's other output."""
    logging.basicConfig(stream=sys.stdout, format=_LOG_FORMAT, level=logging.INFO)


def _without_sdk_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this package's frames before the component's first frame; the whole
    traceback when it has no other frames."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = traceback
    while rest is not None and _is_sdk_frame(rest.tb_frame.f_code.co_filename, here):
        rest = rest.tb_next
    return rest or traceback


def _is_sdk_frame(file: str, here: str) -> bool:
    return file.startswith("<frozen importlib") or os.path.dirname(file) == here


def _add_hint(error: Exception) -> None:
    """Add a hint to the error about a missing `kfp` or a missing part of `headrace`, which the step
    package does not contain."""
    if not isinstance(error, ImportError) or error.name is None:
        return
    if error.name in ("kfp", "kfp.dsl"):
        error.msg += (
            ": kfp is not installed in this step. Import from headrace instead, or add kfp to the "
            "component's packages_to_install."
        )
    elif error.name.partition(".")[0] == "headrace" and _is_step_package():
        error.msg += (
            ": this step has only headrace.dsl. To use the rest of the SDK, add headrace to the "
            "component's packages_to_install."
        )


def _is_step_package() -> bool:
    """Whether `headrace` is the step package, not the whole SDK, which has a version."""
    return not hasattr(sys.modules["headrace"], "__version__")
