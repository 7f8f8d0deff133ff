"""The core conducted, the rest by events: one process, both styles."""

from math import inf

from rehearsal.arguments import choice, name_of
from rehearsal.errors import ModelError, unknown
from rehearsal.process.choreography import Dance, choreograph
from rehearsal.process.orchestration import conducting, declare, orchestrate
from rehearsal.process.stage import host, stage
from rehearsal.service import AGAIN


def blend(
    process, events=(), *, name=None, at="orders", workers=100, blocking=True, durable=False, decides=0.0,
    objective=inf, timeout=None, retry=None, by="calls", failures=True, idempotent=None, outbox=None, careful=True,
):  # fmt: skip
    """Return the process as a system in which the steps named by `events` dance and the others are conducted.

    The conductor tells what its steps did where somebody waits for it. A step after one that dances has to dance as
    well: a conductor waits for answers, not for events. With `failures` a dancer that fails has what was conducted
    undone by events; a conducted step that fails is undone by the conductor. The other words are as for `orchestrate`;
    a blend conducts by calls, and where all dance nobody conducts.
    """
    choice(by, "by of blend", ("calls",))
    called, safe = name or f"blended {process.name}", {"idempotent": idempotent, "careful": careful}
    system = stage(process, called, outbox)
    dancing = {name_of(step) for step in ((events,) if isinstance(events, str) else events)}
    _check(process, dancing)
    conducted = [step for step in process.steps.values() if step.name not in dancing]
    conductor = {"blocking": blocking, "durable": durable, "decides": decides}
    policies = {"timeout": timeout, "retry": retry}
    said = {"name": called, "at": at, "workers": workers, "objective": objective, "outbox": outbox, **safe}
    if not dancing:
        return orchestrate(process, **said, **conductor, **policies)
    if not conducted:
        return choreograph(process, failures=failures, **said)
    orders = host(process, system, at, workers, outbox=outbox, **conductor)
    dance = Dance(process, system, orders, failures, AGAIN, **safe)
    declare(system, conducted, **safe)
    for step in process.steps.values():
        if step.name in dancing:
            dance.step(step)
    done = dance.end(None) if any(end.name in dancing for end in process.ends) else None
    failed = dance.undo(None, frozenset(step.name for step in conducted)) if failures and process.ends else None
    place = _conduct(process, system, orders, conducted, policies, dance.placed)
    system.accepts(process.name, place, objective=objective, done=done, failed=failed)
    return system


def _check(process, dancing):
    for step in sorted(dancing - process.steps.keys()):
        raise ModelError(f"{process.name}: {unknown('step', step, process.steps)}")
    for step in process.steps.values():
        leads = [name for name in step.after if name in dancing]
        if leads and step.name not in dancing:
            raise ModelError(f"{step.name} comes after {leads[0]}, which dances: {step.name} has to dance as well")


def _conduct(process, system, orders, conducted, policies, placed):
    """Declare where requests enter: a conductor that tells what somebody hears of, and nothing else."""
    heard = system.heard()
    facts = tuple(fact for step in conducted for fact in (step.event, step.fails) if fact in heard)
    told = frozenset(facts)  # found at once, however many steps there are

    def tell(ctx, payload, fact):
        if fact in told:
            ctx.publish(fact, payload)

    score = conducting(process, conducted, policies, tell)

    def open_and_conduct(ctx, payload):
        ctx.publish(placed, payload)
        return (yield from score(ctx, payload))

    vars(open_and_conduct).update(vars(score))  # it knows no more than that
    asked = [s.operation.place for s in conducted] + [s.undo.place for s in conducted if s.undo is not None]
    starts = placed in heard
    how = {"calls": asked, "publishes": (placed, *facts) if starts else facts}
    return orders.operation(name="place", **how)(open_and_conduct if starts else score)
