"""The record: one row a message, one row a request, in columns, causal, trimmed, readable as frames."""

from math import isnan

import pytest

from rehearsal import Crash, Evenly, Exponential, Poisson, Times, ms, run, sec
from rehearsal.trace import BLOCK, OUTCOMES, Edge, Trace
from tests.systems import caller, commander, listener, rows

ONE = Times("job", at=[5])


def test_a_call_is_one_row_from_its_sending_to_its_answer():
    (request, call) = rows(run(caller(takes=10, network=1), ONE))
    assert request[:7] == (0, -1, "request", "client", "front", "ask", 1)
    assert request[7:] == (5, 6, 6, 18, 19, "ok", "ok")
    assert call[:7] == (0, 0, "call", "front", "back", "work", 1)
    assert call[7:] == (6, 7, 7, 17, 18, "ok", "ok")


def test_an_event_is_a_row_to_the_broker_and_one_from_there_to_each_reader():
    system = listener(takes=10, network=1)
    system.service("audit").on("job.placed")(lambda ctx, job: None)
    _, publish, work, audit, done = rows(run(system, ONE))
    assert publish[1:11] == (0, "event", "front", "broker", "job.placed", 1, 6, 7, 7, 7)
    assert work[1:11] == (1, "event", "broker", "back", "job.placed", 1, 7, 8, 8, 18)
    assert audit[1:5] == (1, "event", "broker", "audit")
    assert done[1:6] == (2, "event", "back", "broker", "job.done")
    assert {row.answer for row in (publish, work, audit, done)} == {"none"}
    assert isnan(work.answered)


def test_a_command_is_two_rows_to_its_one_addressee():
    _, send, work = rows(run(commander(takes=10, network=1), ONE))
    assert send[1:11] == (0, "command", "front", "broker", "work", 1, 6, 7, 7, 7)
    assert work[1:11] == (1, "command", "broker", "back", "work", 1, 7, 8, 8, 18)


def test_every_parent_comes_before_its_children_and_belongs_to_the_same_request():
    trace = run(listener(takes=Exponential(10)), Poisson("job", every=15, count=200)).trace
    for row, parent in enumerate(trace.parent):
        assert parent < row
        assert parent == -1 or trace.request[parent] == trace.request[row]


def test_a_message_is_counted_the_same_way_in_every_style():
    """Orchestrated, n steps are n calls with a reply each; as a chain of events, n published and n delivered."""
    calls = rows(run(caller(), ONE), kind="call")
    events = rows(run(listener(), ONE), kind="event")
    assert len(calls) == 1 and not isnan(calls[0].answered)
    assert [(e.source, e.target) for e in events] == [("front", "broker"), ("broker", "back"), ("back", "broker")]


def test_an_undo_marks_its_messages():
    system = caller()
    system.services["back"].operation(name="work", undoes="ask")(lambda ctx, job: None)
    assert [edge.undo for edge in run(system, ONE).trace.edges] == [False, True]


def test_the_trace_holds_no_row_that_no_message_used():
    trace = run(caller(), Evenly("job", every=10, count=100)).trace
    assert {len(getattr(trace, name)) for name in trace.layout} == {len(trace)} == {200}


def test_columns_grow_by_blocks_and_every_cell_starts_blank():
    trace = Trace()
    seen = []
    trace.watch = seen.append
    for _ in range(BLOCK + 1):
        row = trace.row()
    assert seen == [0, BLOCK]
    assert (trace.attempt[row], OUTCOMES[trace.outcome[row]]) == (1, "open") and isnan(trace.ended[row])
    trace.trim()
    assert len(trace.sent) == BLOCK + 1


def test_an_edge_used_before_keeps_its_number():
    trace = Trace()
    one, two = Edge("call", "a", "b", "work"), Edge("call", "a", "b", "work", undo=True)
    assert [trace.add_edge(e) for e in (one, two, one)] == [0, 1, 0]


def test_a_message_costs_at_most_a_hundred_bytes():
    trace = run(listener(), Evenly("job", every=10, count=100)).trace
    cells = [getattr(trace, name).itemsize for name in trace.layout]
    assert sum(cells) == 56


def test_the_spans_are_a_frame_in_words_and_milliseconds():
    frame = run(caller(takes=10), ONE).spans()
    assert list(frame.columns) == [
        "request", "parent", "kind", "source", "target", "name", "undo", "group", "attempt",
        "sent", "received", "started", "ended", "answered", "outcome", "answer",
    ]  # fmt: skip
    assert frame.index.name == "span"
    assert frame.iloc[1].to_dict() | {"undo": False} == {
        "request": 0, "parent": 0, "kind": "call", "source": "front", "target": "back", "name": "work",
        "undo": False, "group": "", "attempt": 1, "sent": 5, "received": 5, "started": 5, "ended": 15, "answered": 15,
        "outcome": "ok", "answer": "ok",
    }  # fmt: skip


def test_the_requests_are_a_frame_with_their_fates():
    frame = run(caller(takes=10), ONE).requests()
    assert list(frame.columns) == [
        "kind", "number", "user", "offered", "answered", "settled", "answer", "end", "fate", "latency",
    ]  # fmt: skip
    assert frame.index.name == "request"
    assert list(frame.iloc[0]) == ["job", 0, -1, 5, 15, 15, "ok", "ok", "on time", 10]


def test_frames_of_a_run_without_requests_are_empty_and_whole():
    nothing = run(caller(), Times("job", at=[]))
    assert (len(nothing.spans()), len(nothing.requests()), nothing.fates()) == (0, 0, [])
    assert repr(nothing) == "Run(caller, seed 0: 0 jobs)"


def test_a_run_says_what_happened_in_one_line():
    storm = run(
        listener(), Evenly("job", every=1 * sec, count=1500), faults=[Crash("front", at=100 * sec, lasting=150 * sec)]
    )
    assert repr(storm) == "Run(listener, seed 0: 1,500 jobs, 90.0% on time, 10.0% rejected)"


def totals(load, system, **how):
    """Return the counts of a run that kept totals, and the same counts made from the whole trace."""
    thin, whole = (run(system, load, seed=3, keep=keep, **how) for keep in ("totals", "trace"))
    counts: dict = {}
    for edge, outcome, answer in zip(whole.trace.edge, whole.trace.outcome, whole.trace.answer, strict=True):
        key = whole.trace.edges[edge], OUTCOMES[outcome], OUTCOMES[answer]
        counts[key] = counts.get(key, 0) + 1
    assert thin.fates() == whole.fates() and list(thin.table.settled) == list(whole.table.settled)
    return thin, counts


@pytest.mark.parametrize(
    "system", [caller(Exponential(10), timeout=15), listener(Exponential(10), poll=30), commander()]
)
def test_totals_count_the_same_messages_and_keep_no_more_rows_than_are_under_way(system):
    faults = [Crash("back", at=300 * ms, lasting=200 * ms), Crash("back", at=1000 * ms, lasting=100 * ms)]
    thin, counts = totals(Poisson("job", every=12, count=1000), system, faults=faults)
    assert thin.trace.counts == counts
    assert len(thin.trace) < sum(counts.values()) / 3
    assert thin.trace.count() == thin.trace.sent_before == sum(counts.values())


def test_a_run_of_totals_says_where_its_messages_went():
    with pytest.raises(ValueError, match="keep='trace'"):
        run(caller(), ONE, keep="totals").spans()
