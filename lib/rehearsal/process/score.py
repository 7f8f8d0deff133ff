"""What a conductor has to know of the flow: where each step leads, and for how many others each waits."""


def score(steps):
    """Return the flow as plain data: each step, what it comes after, what undoes it, and whether it is done at all."""
    return tuple((s.operation.place, s.after, s.undo and s.undo.place, s.when, s.optional) for s in steps)


def agenda(steps):
    """Return a function that gives for a payload where each of the steps leads, and how many others each waits for.

    All by number; the last place is the start, which leads to the first. And it tells who is next of each that leads to
    one step only which waits for nothing else: there is nothing to count. Where no step has a condition it is worked
    out once: so a step costs a request the same, however many there are.
    """

    def agenda_of(payload):
        leads: list = [[] for _ in (*steps, "the start")]
        waits = [0] * len(steps)
        stands: dict = {}  # what to wait for: the step itself, or where it does not apply, what it comes after
        for n, step in enumerate(steps):
            before = {m: None for name in step.after for m in stands[name]}
            stands[step.name] = {n: None} if step.applies(payload) else before
            if n in stands[step.name]:
                waits[n] = len(before)
                for m in before or (-1,):
                    leads[m].append(n)
        return leads, waits, {m: later[0] for m, later in enumerate(leads) if [waits[n] for n in later] == [1]}

    if any(step.when is not None for step in steps):
        return agenda_of
    always = agenda_of(None)
    return lambda payload: always


def follow(ended, leads, waits):
    """Return which steps are next, now that some have ended, and count down what the others wait for."""
    ready = []
    for later in (one for n in ended for one in leads[n]):
        waits[later] -= 1
        if not waits[later]:
            ready.append(later)
    return sorted(ready)
