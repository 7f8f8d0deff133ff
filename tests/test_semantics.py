"""The rules a simulator of systems has to keep, each a mistake that published ones make, and the test that keeps it.

Rules about what this engine does not have yet (breakers, idempotency keys, outboxes, sagas as data, replications) are
not listed.
"""

from importlib import import_module

import pytest

from rehearsal import Crash, Failed, Refused, Times, run
from tests.systems import branching, caller, rows

RULES = {
    "1 a run is a pure function of system, load, faults and seed": (
        "determinism.test_two_processes_with_different_hash_seeds_record_the_same_bytes",
        "determinism.test_two_runs_in_one_process_record_the_same_bytes",
        "properties.test_the_same_four_record_the_same_bytes",
    ),
    "2 a draw belongs to a what, never to a when": (
        "determinism.test_an_extra_subscriber_moves_nobody_elses_draws",
        "determinism.test_a_crash_moves_only_what_it_touches",
        "determinism.test_a_retry_moves_no_draw_but_its_own",
        "determinism.test_two_styles_meet_the_same_arrivals_and_the_same_work",
    ),
    "3 every request has exactly one fate, at any moment the run is cut": (
        "properties.test_every_request_has_one_fate_at_any_moment_the_run_is_cut",
        "engine_cut.test_a_request_on_its_way_at_the_cut_is_open",
    ),
    "4 a worker is held from start to end, by a blocking caller while it waits too": (
        "engine_workers.test_a_worker_is_held_from_the_start_of_the_work_to_its_end",
        "engine_workers.test_a_blocking_caller_holds_its_worker_while_it_waits",
        "engine_workers.test_a_caller_that_does_not_block_gives_its_worker_back",
        "engine_workers.test_a_caller_that_does_not_block_queues_for_a_worker_to_go_on",
        "properties.test_no_worker_leaks_and_no_queue_is_forgotten",
    ),
    "5 queues are FIFO, a limit counts who waits, rejection is immediate": (
        "engine_workers.test_a_queue_is_first_in_first_out",
        "engine_workers.test_a_full_queue_turns_away_at_once_and_at_no_cost",
        "engine_events.test_durable_messages_do_not_count_against_the_queue_limit",
        "properties.test_no_more_work_is_in_progress_than_there_are_workers_and_the_queue_is_fifo",
    ),
    "6 open load never waits for answers, closed load does; latency counts from the intended moment": (
        "load.test_an_open_load_never_waits_for_answers",
        "load.test_a_closed_user_thinks_asks_and_waits_for_the_answer",
        "load.test_latency_counts_from_the_moment_a_request_was_meant_to_be_sent",
    ),
    "7 parallel branches share their start and take the maximum drawn": (
        "engine_calls.test_parallel_branches_share_their_start_and_the_last_one_counts",
        "theory.test_a_forking_orchestrator_and_a_fan_out_of_events_wait_for_the_same_slowest",
    ),
    "8 a time-out does not stop the callee": (
        "engine_calls.test_a_time_out_does_not_stop_the_callee_whose_work_becomes_a_zombie",
        "engine_calls.test_an_abandoned_call_keeps_its_place_in_the_queue_and_is_served",
    ),
    "9 attempts are one and the retries; the exponent starts at 0, the cap holds": (
        "engine_calls.test_attempts_are_one_and_the_retries",
        "engine_calls.test_retries_wait_as_their_policy_says",
        "units_errors.test_retries_wait_from_exponent_zero_on_and_the_cap_holds",
    ),
    "10 a time-out is for each attempt": ("engine_calls.test_a_time_out_is_for_each_attempt_and_comes_exactly_then",),
    "11 a late reply neither completes the next attempt nor counts twice": (
        "engine_calls.test_a_late_reply_to_the_first_attempt_neither_completes_the_second_nor_counts_twice",
    ),
    "13 what a crash does to work, queue, arrivals, callers and durable messages": (
        "engine_crashes.test_work_in_progress_is_lost_and_its_caller_hears_of_it_one_hop_later",
        "engine_crashes.test_the_queue_in_memory_is_lost_too",
        "engine_crashes.test_arrivals_while_it_is_down_are_refused_at_once",
        "engine_crashes.test_durable_messages_wait_for_the_restart_and_what_was_in_work_comes_again_first",
        "engine_crashes.test_a_command_waits_for_an_addressee_that_is_down",
        "properties.test_nothing_durable_is_lost",
    ),
    "14 three moments of a crash differ": (
        "engine_crashes.test_done_and_reported_failed_a_crash_after_the_effect_and_before_the_answer",
        "engine_events.test_an_error_told_first_is_the_end_though_the_work_goes_on",
    ),
    "15 after a restart every worker is free once, and arrivals go on during the drain": (
        "engine_crashes.test_after_the_restart_every_worker_is_free_exactly_once",
        "theory.test_the_backlog_of_an_outage_and_its_drain_are_what_fluids_do",
        "theory.test_random_arrivals_and_work_drain_alike_within_the_spread_that_theory_gives",
    ),
    "16 nobody knows of a crash or a recovery at once": (
        "semantics.test_a_crash_is_found_out_by_a_lost_answer_or_a_refused_connection_and_never_before",
        "engine_crashes.test_a_time_out_holds_while_the_news_of_a_crash_is_under_way",
    ),
    "17 the orchestrator and the broker crash like anything else": (
        "engine_crashes.test_a_caller_that_crashes_forgets_its_calls_and_the_work_it_asked_for_goes_on",
        "engine_crashes.test_publishers_keep_what_they_cannot_hand_over_and_nothing_is_lost",
        "engine_crashes.test_a_broker_keeps_what_it_was_working_on_and_starts_again_on_it_first",
    ),
    "18 acknowledged after the work: at least once": (
        "engine_crashes.test_a_handler_that_waited_for_a_call_is_delivered_again_and_asks_again",
        "engine_events.test_a_delivery_that_fails_comes_again_as_a_message_of_its_own",
    ),
    "19 each subscription gets every event, its workers share it, a slow one delays nobody": (
        "engine_events.test_each_subscription_gets_every_event",
        "engine_events.test_the_workers_of_one_subscription_share_its_events",
        "engine_events.test_a_slow_reader_delays_neither_the_publisher_nor_another_reader",
        "engine_events.test_a_redelivery_breaks_the_order",
        "engine_events.test_a_poison_message_goes_to_the_dead_letters_after_its_limit_and_lets_the_others_pass",
    ),
    "22 the broker is a node": (
        "engine_events.test_the_broker_is_a_node_with_a_latency_of_its_own",
        "trace.test_an_event_is_a_row_to_the_broker_and_one_from_there_to_each_reader",
    ),
    "25 abort latency includes the undos; commands and replies are messages": (
        "semantics.test_the_latency_of_an_abort_includes_its_undos",
        "trace.test_a_command_is_two_rows_to_its_one_addressee",
        "trace.test_a_message_is_counted_the_same_way_in_every_style",
    ),
    "29 failure travels up, load travels down, a backlog stays at an asynchronous edge": (
        "engine_calls.test_a_failure_that_nobody_catches_travels_from_callee_to_caller_to_client",
        "engine_crashes.test_a_backlog_stays_at_the_reader_and_nobody_upstream_notices",
        "semantics.test_a_slow_callee_fills_the_queue_of_its_caller",
    ),
    "30 a shared dependency fails once for everybody": (
        "theory.test_availability_is_a_product_over_distinct_services_not_over_paths",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_kept_by_tests_that_exist(rule):
    for place in RULES[rule]:
        module, name = place.split(".")
        assert callable(getattr(import_module(f"tests.test_{module}"), name))


def test_a_crash_is_found_out_by_a_lost_answer_or_a_refused_connection_and_never_before():
    """A caller on the far side of a slow link goes on sending to a service that has long been down, or up again."""
    system = caller(takes=10)
    system.link("front", "back", 40)
    result = run(system, Times("job", at=[0, 15, 70, 95]), faults=[Crash("back", at=45, lasting=70)])
    told = [(row.sent, row.answered, row.answer) for row in rows(result, kind="call")]
    assert told == [(0, 85, "lost"), (15, 95, "rejected"), (70, 150, "rejected"), (95, 185, "ok")]


def test_the_latency_of_an_abort_includes_its_undos():
    def body(ctx, job, reserve, charge, release):
        yield ctx.call(reserve, job)
        try:
            yield ctx.call(charge, job)
        except Failed:
            yield ctx.call(release, job)
            raise Refused("payment is down") from None

    system = branching([10, None, 25], body)
    system.services["s2"].operation(takes=25, name="s2", undoes="s0")(lambda ctx, job: None)
    result = run(system, Times("job", at=[0]))
    assert (result.fates(), list(result.table.settled)) == (["compensated"], [35])


def test_a_slow_callee_fills_the_queue_of_its_caller():
    def waits(takes):
        result = run(caller(takes=takes, front=2), Times("job", at=range(0, 100, 10)))
        return max(row.started - row.received for row in rows(result, target="front"))

    assert waits(takes=5) == 0 < waits(takes=40)
