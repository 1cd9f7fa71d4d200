"""Imports of single classes of a package, without its entry and what only that needs."""
import sys
import types
from contextlib import contextmanager
from importlib import util


def bare_package(name):
    """The package without the code of its entry: its modules can be imported one by one."""
    parent, _, _ = name.rpartition(".")
    package = types.ModuleType(name)
    places = sys.modules[parent].__path__ if parent else util.find_spec(name).submodule_search_locations
    package.__path__ = [f"{place}/{name.removeprefix(f'{parent}.')}" if parent else place for place in places]
    sys.modules[name] = package
    return package


@contextmanager
def stand_ins(modules):
    """Modules by name with the given members, for as long as the block runs; importers never use the members."""
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    yield
    for name in modules:
        del sys.modules[name]
