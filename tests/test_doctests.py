"""Every example in a docstring is true."""

import doctest
import importlib
import pkgutil

import pytest

import rehearsal

MODULES = [m.name for m in pkgutil.walk_packages(rehearsal.__path__, "rehearsal.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


def test_there_are_examples_to_check():
    tried = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert tried > 20
