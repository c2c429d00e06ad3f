"""No module imports itself by way of others. Imports for types alone and those inside functions
count. The import linter compares siblings; this also sees a package and its own modules."""

from __future__ import annotations

from configparser import ConfigParser
from graphlib import CycleError, TopologicalSorter

import grimp

from tests.house import tree
from tests.support.deployment import ROOT


def test_imports_have_no_circle() -> None:
    packages = sorted(tree.packages())
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise AssertionError(f"modules import each other in a circle: {circle}") from None


def test_the_import_linter_checks_every_package() -> None:
    """It reads each package, and checks each for circles."""
    config = ConfigParser()
    config.read(ROOT / ".importlinter")
    packages = sorted(tree.packages())
    assert sorted(config["importlinter"]["root_packages"].split()) == packages
    assert sorted(config["importlinter:contract:circles"]["ancestors"].split()) == packages
