"""What is run over seeds: a function of a seed and parameters, or a run that is done again."""

from contextlib import suppress
from inspect import Parameter, signature
from typing import Any, NamedTuple

from rehearsal.engine import Run, run
from rehearsal.errors import ModelError, unknown
from rehearsal.faultcheck import spikes

OPTIONS = ("executor", "progress", "cache", "until", "warmup")  # keywords that are no parameters of a recipe


class Again(NamedTuple):
    """Do a run again with other seeds: a recipe without parameters."""

    system: Any
    loads: tuple
    faults: tuple
    until: float | None

    def __call__(self, seed):
        return run(self.system, self.loads, until=self.until, seed=seed, faults=self.faults)


def recipe_of(thing):
    """Return the recipe that does a run again, or the recipe itself."""
    if not isinstance(thing, Run):
        return thing
    return Again(thing.system, given(thing.loads, thing.faults), thing.faults, thing.until)


def given(loads, faults):
    """Return the loads of a run that it was given: without those at the end that its spikes have added."""
    for count in range(1, len(loads)):
        with suppress(ModelError):  # so few are not all that the spikes name
            if loads[:count] + spikes(loads[:count], faults) == loads:
                return loads[:count]
    return loads


def check_recipe(recipe, names):
    """Raise where a recipe does not take these parameters, or needs others, and say which it has."""
    try:
        first, *rest = signature(recipe).parameters.values()
    except TypeError as error:
        raise TypeError(f"a recipe is a function recipe(seed, …), not {recipe!r}") from error
    except ValueError:
        raise TypeError("a recipe takes the seed first: recipe(seed, …)") from None
    kinds = [each.kind for each in (first, *rest)]
    mine = {each.name: each for each in rest if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
    for name in names:
        if name not in mine and Parameter.VAR_KEYWORD not in kinds:
            raise TypeError(f"the recipe has {unknown('parameter', name, mine)}")
    lacking = [name for name, each in mine.items() if each.default is Parameter.empty and name not in names]
    if lacking:
        taken = [name for name in lacking if name in OPTIONS]
        hint = f" (as a keyword {taken[0]!r} is an option: say it in the grid of `sweep`)" if taken else ""
        raise TypeError(f"the recipe needs a value of {', '.join(map(repr, lacking))} too{hint}")
