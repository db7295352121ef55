"""Lets the wandb client start where the package of names of its telemetry (opentelemetry.semconv) is not to be had: any name will do, as no telemetry is sent."""

import importlib.machinery
import importlib.util
import sys
import types


class Names(types.ModuleType):
    __path__: list = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("create_"):
            return lambda *_args, **_more: types.SimpleNamespace(add=lambda *_a, **_m: None, record=lambda *_a, **_m: None)
        return Names(name) if name[0].isupper() and not name.isupper() else name

    def __hash__(self):
        return hash(self.__name__)


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "opentelemetry.semconv" or name.startswith("opentelemetry.semconv."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Names(spec.name)

    def exec_module(self, module):
        pass


if importlib.util.find_spec("opentelemetry") and not importlib.util.find_spec("opentelemetry.semconv"):
    sys.meta_path.append(Finder())
