"""Every closed form that kernels are compared with, found by looking for FORMS in the modules here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from nnref.checking.operations import activation_kernel
from nnref.checking.operations.kernel_form import ClosedForm
from nnref.checking.operations.record import activations


@cache
def forms() -> tuple[ClosedForm, ...]:
    """Those of the files that say FORMS, in alphabetical order, then one for every activation that has a record."""
    here = [module.name for module in iter_modules([str(Path(__file__).parent)])]
    found = [form for name in here for form in getattr(import_module(f"{__package__}.{name}"), "FORMS", ())]
    return (*found, *map(activation_kernel.form, activations()))
