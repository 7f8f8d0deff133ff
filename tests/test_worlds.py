"""Whether the random worlds of the property tests hold everything there is, and are the same under any hash seed."""

import json
import os
import subprocess
import sys
import warnings
from collections import Counter
from contextlib import redirect_stderr
from hashlib import sha256
from io import StringIO
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from rehearsal import FATES, DesignWarning
from rehearsal.engine.breakers import Breaker, Compartment, Tokens
from rehearsal.faults import Breakdowns, Crash, CrashAt, Errors, LoadSpike, Mute, Slow
from rehearsal.network import Delay, Drop, Duplicate, Partition, Reorder
from rehearsal.policies import UNSET
from rehearsal.trace import OUTCOMES
from tests.plays import ANY
from tests.systems import columns
from tests.watched import performed

ROOT = Path(__file__).parent.parent
SEEN = 24  # series of 30 worlds: in one long series hypothesis varies what it has, and rare kinds may never come
LINKS = {Drop, Delay, Duplicate, Reorder, Partition}
OPTIONS = {
    "durable": bool, "volatile": bool, "decides": bool, "queue": lambda limit: limit is not None,
    "patience": lambda time: time is not None, "blocking": lambda blocks: not blocks, "workers": lambda n: n > 1,
}  # fmt: skip
READING = {
    "acknowledge": lambda when: when == "before", "key": bool, "poll": bool, "replay": bool, "joins": bool,
    "when": bool, "idempotent": bool, "workers": lambda n: n is not None and n > 1, "group": bool,
}  # fmt: skip
EXPECTED = {
    *(f"{kind.__name__} {word} {what}" for kind, word, whats in (
        (Crash, "work", ("lost", "restart", "resume")), (Crash, "queue", ("lost", "kept")),
        (Crash, "arrivals", ("refused", "ignored", "wait")), (CrashAt, "moment", ("before", "during", "after")),
        (Breakdowns, "work", ("lost", "restart", "resume")), (Breakdowns, "clock", ("always", "busy")),
    ) for what in whats),
    *(f"{kind.__name__}" for kind in (Slow, Errors, Mute, LoadSpike, *LINKS)),
    *(f"{word} of a service" for word in OPTIONS), *(f"{word} of a reader" for word in READING),
    *(f"{kind} of a {whom} broker" for kind in ("Crash", "Breakdowns", "Slow") for whom in ("durable", "forgetful")),
    *(f"{kind} of a {whom} conductor" for kind in ("Crash", "CrashAt") for whom in ("durable", "forgetful")),
    *(f"{kind} of one replica of a {whom}" for kind in ("Crash", "Breakdowns") for whom in ("service", "broker")),
    "CrashAt of one replica of a service", "Crash of one replica of a conductor", "Crash of all of a service",
    "fail-over of a service", "fail-over of a broker", "fail-over of a conductor", "Crash of a module", "two brokers",
    "outbox that is pushed to", "outbox that looks",
    "by calls", "by commands", "by events", "blended", "chained", "monolithic", "with a pivot",
    "timeout", "deadline", "cancel queue", "cancel work", "hedge", "fallback", "bulkhead", "budget",
    *(f"jitter {jitter}" for jitter in ("none", "full", "equal", "decorrelated")),
    *(f"breaker {counts} {per}" for counts, per in (("attempts", "calls"), ("calls", "calls"), ("attempts", "time"))),
    *(f"it is {state}" for state in ("open", "half-open", "closed")),
    *(f"outcome {outcome}" for outcome in OUTCOMES if outcome not in ("none", "timeout")),
    "answer timeout", "answer none", "a redelivery", "a dead letter", "parked", "an undo",
    *(f"fate {fate}" for fate in FATES if fate != "open"),
}  # fmt: skip


def said(system):
    """Yield what a blueprint says."""
    for service in system.services.values():
        yield from (f"{word} of a service" for word, told in OPTIONS.items() if told(getattr(service, word)))
        if service.outbox is not None:
            yield "outbox that looks" if service.outbox else "outbox that is pushed to"
        for heard in service.subscriptions.values():
            yield from (f"{word} of a reader" for word, told in READING.items() if told(getattr(heard, word)))
    if len(system.brokers) > 1:
        yield "two brokers"
    if system.process is not None:
        first = system.name.split()[0]
        yield {"orchestrated": "by calls", "commanded": "by commands", "choreographed": "by events"}.get(first, first)
        if system.process.pivot is not None:
            yield "with a pivot"


def struck(system, faults):
    """Yield what is wrong, how, and where that matters with whom."""
    for fault in faults:
        kind = type(fault).__name__
        yield kind
        yield from (f"{kind} {word} {getattr(fault, word)}" for word in ("work", "queue", "arrivals", "moment", "clock")
                    if word in type(fault).__dataclass_fields__)  # fmt: skip
        if type(fault) in LINKS or fault.service not in system.services | system.brokers:
            yield f"{kind} of a module"
            continue
        whom = system.services.get(fault.service) or system.brokers[fault.service]
        manner = "durable" if whom.durable else "forgetful"
        if fault.service in system.brokers:
            yield f"{kind} of a {manner} broker"
        elif system.process is not None and fault.service == "orders":
            yield f"{kind} of a {manner} conductor"
        if kind in ("Crash", "CrashAt", "Breakdowns") and whom.replicas > 1:
            part = "all" if fault.replica is None and kind != "CrashAt" else "one replica"
            yield f"{kind} of {part} of a {'broker' if fault.service in system.brokers else 'service'}"
            yield f"{kind} of {part} of a conductor" if system.process is not None and fault.service == "orders" else ""
        if kind in ("Crash", "CrashAt", "Breakdowns") and whom.failover is not None:
            yield f"fail-over of a {'broker' if fault.service in system.brokers else 'service'}"
            yield "fail-over of a conductor" if system.process is not None and fault.service == "orders" else ""


def guarded(engine):
    """Yield the policies under which calls were really made."""
    for rules in engine.guards.values():
        yield from (word for word in ("timeout", "deadline", "hedge") if getattr(rules, word) is not None)
        yield f"cancel {rules.cancel}"
        yield "fallback" if rules.fallback is not UNSET else ""
        yield f"jitter {rules.retry.jitter}" if rules.retry is not None else ""
    for gate in engine.gates.values():
        if isinstance(gate, Breaker):
            yield f"breaker {gate.policy.counts} {gate.policy.per}"
        yield {Compartment: "bulkhead", Tokens: "budget"}.get(type(gate), "")


def happened(result):
    """Yield what came of it all."""
    yield from (f"outcome {OUTCOMES[outcome]}" for outcome in set(result.trace.outcome))
    yield from (f"answer {OUTCOMES[answer]}" for answer in set(result.trace.answer))
    yield from (f"fate {fate}" for fate in set(result.fates()))
    yield from {f"it is {change.now}" for change in result.transitions}
    brokers = {n for n, edge in enumerate(result.trace.edges) if edge.source in result.system.brokers}
    if any(edge in brokers for edge, n in zip(result.trace.edge, result.trace.attempt, strict=True) if n > 1):
        yield "a redelivery"
    yield from ["a dead letter"] * bool(result.dead_letters) + ["parked"] * bool(result.parked)
    yield from ["an undo"] * any(result.table.undone)


def seen(series, examples):
    """Return how many of so many series of random worlds have each kind of thing, and a hash of all they record."""
    counts, digest = Counter(), sha256()

    def look(world):
        system, _, faults, _ = world
        result, engine = performed(*world)
        counts.update({*said(system), *struck(system, faults), *guarded(engine), *happened(result)})
        digest.update(repr((sorted(columns(result).items()), result, result.fates())).encode())
        digest.update(
            repr((result.effects, result.parked, result.transitions, result.outages, result.degraded)).encode()
        )

    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore", DesignWarning)
        how = settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        for number in range(series):
            seed(number)(how(given(ANY)(look)))()
    return counts, digest.hexdigest()


def look_apart(series, examples, hash_seed):
    """Return what `seen` returns in a process of its own, for hypothesis draws by what else is imported as well."""
    code = f"import json; from tests.test_worlds import seen; print(json.dumps(seen({series}, {examples})))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lib")])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"PYTHONHASHSEED": hash_seed},
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return json.loads(done.stdout.strip())


def test_the_random_worlds_hold_everything_there_is():
    counts, _ = look_apart(SEEN, 30, "0")
    assert {kind: counts.get(kind, 0) for kind in EXPECTED if counts.get(kind, 0) < 3} == {}


def test_random_worlds_record_the_same_bytes_under_any_hash_seed():
    assert len({look_apart(1, 12, hash_seed)[1] for hash_seed in ("1", "4242")}) == 1
