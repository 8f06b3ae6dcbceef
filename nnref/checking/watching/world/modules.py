"""Stand-ins for modules: plotting does nothing, readers return data, names not installed raise when called."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words

SILENT = words("""
    IPython PyQt5 PyQt6 alive_progress altair bokeh colorama coloredlogs comet_ml customtkinter cycler dash dotenv
    emoji fire flask gdown google gradio graphviz ipdb ipywidgets kaggle kagglehub kivy line_profiler livelossplot
    loguru manim matplotlib memory_profiler mlflow moviepy mpl_toolkits neptune networkx opendatasets plotext plotly
    prettytable progress progressbar psutil pyautogui pydot pyfiglet pygame pylab pyplot pyqtgraph requests rich
    seaborn streamlit structlog tabulate tensorboard tensorboardX termcolor terminaltables termplotlib texttable tkinter
    ttkthemes turtle visdom wandb wget yaspin
""")
"""Packages that plot, display, log or download: the mathematics of a program does not need them."""


class Silent:
    """A stand-in that does nothing: for a plot, a progress bar, a window. As a number it is 0, as an array empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Another Silent; or, as a decorator, the function unchanged."""
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else Silent()

    def __iter__(self) -> Iterator[Any]:
        return iter((Silent(), Silent()))

    def __getitem__(self, index: Any) -> Any:
        return Silent()

    def __setitem__(self, index: Any, value: Any) -> None:
        pass

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return ()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.zeros(0)

    def __index__(self) -> int:
        return 0

    def __float__(self) -> float:
        return 0.0

    def __lt__(self, other: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


class AbsentError(ImportError):
    """A name of a package that is not installed was called."""


class Absent(Silent):
    """A name of a package that is not installed: it can be imported, and raises AbsentError when called."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return absent(f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function unchanged, as a decorator.

        Errors: AbsentError for any other call, since its result is needed.
        """
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]
        top = self._name.partition(".")[0]
        if top in TOPS:
            raise AbsentError(
                f"{self._name} is called. Of {top} only what reads and prepares data is answered while a program is "
                f"watched; what it computes is checked by nnref.gradcheck.",
                name=top,
            )
        raise AbsentError(
            f"{self._name} is called, and {top} cannot be imported here. Install it, or put its file beside this one.",
            name=top,
        )


class Rival(Silent):
    """A scikit-learn model that a program compares its own with: it learns nothing, and predicts 0."""

    def fit(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        """The model, unchanged."""
        return self

    def predict(self, X: Any, *args: Any) -> Any:
        """One zero per row."""
        return np.zeros(len(X), int)

    def score(self, *args: Any) -> float:
        """A score of 0."""
        return 0.0


def absent(name: str) -> Any:
    """The stand-in for a name that is not installed: a maker of Rivals for a class of scikit-learn, else an Absent."""
    last = name.rpartition(".")[2]
    return (lambda *args, **kwargs: Rival()) if name.startswith("sklearn.") and last[:1].isupper() else Absent(name)


NEWEST = "99.0.0"
"""The version that stand-in modules state: no program asks for a newer one."""


class Answered(ModuleType):
    """A stand-in module: it has some names, and `other` gives the rest, which do nothing or raise when called."""

    def __init__(
        self, name: str, names: Mapping[str, Any], other: Callable[[str], Any], modules: Collection[str] = ()
    ) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__dict__.update({"__version__": NEWEST} | dict(names))
        self.__dict__.update(_other=other, _modules=modules)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        whole = f"{self.__name__}.{name}"
        if any(known == whole or known.startswith(f"{whole}.") for known in self.__dict__["_modules"]):
            return importlib.import_module(whole)
        return self.__dict__["_other"](whole)


class Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The finder of the modules that are answered, unless the program has its own of the same name.

    names gives the names of each module; absent collects the imported packages that are not installed.
    """

    def __init__(self, folders: list[Path], names: dict[str, dict[str, Any]]) -> None:
        self.folders, self.names = folders, names
        self.absent: list[str] = []

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        """The spec of a stand-in module; None for all others, and for those that the program has itself."""
        top = name.partition(".")[0]
        if self.beside(name) or self.beside(top):
            return None
        if top in TOPS or name in self.names or top in SILENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def beside(self, name: str) -> bool:
        """Is there a module of this name in one of the program's folders?"""
        places = [folder.joinpath(*name.split(".")) for folder in self.folders]
        return any(p.with_suffix(".py").is_file() or (p.is_dir() and any(p.glob("*.py"))) for p in places)

    def create_module(self, spec: Any) -> ModuleType:
        """The stand-in module, with its names."""
        top = spec.name.partition(".")[0]
        other = (lambda name: Silent()) if top in SILENT else absent
        return Answered(spec.name, self.names.get(spec.name, {}), other, self.names)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: create_module has set all names."""


TOPS = words("jax keras mlxtend mnist nnfs pandas sklearn tensorflow tensorflow_datasets torch torchvision tqdm")
"""Packages whose functions that read and prepare data are answered."""


class Last(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: modules that no other finder has can be imported, and their names raise when called."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        """The spec of any missing module that the program itself imports; its package is noted as absent."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or not asked_by_the_program():
            return None
        if top in sys.modules and not isinstance(sys.modules[top], Answered):
            return None
        if top not in self.modules.absent:
            self.modules.absent.append(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        """A module whose names are all Absent."""
        return Answered(spec.name, {}, Absent)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is empty."""


def asked_by_the_program() -> bool:
    """Is the current import in the program itself, and not in a library that tries an optional package?"""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen importlib") and "importlib" not in Path(name).parts:
            return "site-packages" not in name and not name.startswith(sys.base_prefix)
        frame = frame.f_back  # type: ignore[assignment]
    return True


@contextmanager
def imports_answered(modules: Modules) -> Iterator[None]:
    """While this lasts, imports look for stand-in modules first, and for absent ones last."""
    last = Last(modules)
    beside = cache(modules.beside)  # cached: a large library has thousands of modules with one top-level name
    before = {name: module for name, module in sys.modules.items() if replaced(name, modules, beside)}
    held = {name: vars(home).pop(name.rpartition(".")[2], None) for name in modules.names if (home := package(name))}
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, modules)
    sys.meta_path.append(last)
    try:
        yield
    finally:
        sys.meta_path.remove(modules)
        sys.meta_path.remove(last)
        for name, module in list(sys.modules.items()):
            if isinstance(module, Answered):
                del sys.modules[name]
                if (home := package(name)) is not None:
                    vars(home).pop(name.rpartition(".")[2], None)
        sys.modules.update(before)
        for name, module in held.items():
            if module is not None:
                setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)


def package(name: str) -> ModuleType | None:
    """The package that holds a module as an attribute; None if it is not imported."""
    return sys.modules.get(name.rpartition(".")[0])


def replaced(name: str, modules: Modules, beside: Callable[[str], bool]) -> bool:
    """Is an imported module replaced while the program runs? beside(name) says if the program has its own."""
    top = name.partition(".")[0]
    return (top in TOPS or top in SILENT or name in modules.names) and not beside(top)
