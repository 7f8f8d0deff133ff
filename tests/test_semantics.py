"""The rules a simulator of systems has to keep, each a mistake that published ones make, and the test that keeps it.

Rule 27 (intervals, warm-up) is kept by the tests of the experiments.
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
        "impact.test_a_fault_on_a_service_that_nobody_uses_changes_nothing_to_the_byte",
        "impact.test_in_any_world_nobody_else_is_changed",
        "faults_load.test_the_usual_requests_are_unchanged_to_the_bit",
        "faults_network.test_those_who_are_not_struck_meet_the_same_moments_to_the_bit",
        "engine_policies.test_jitter_belongs_to_the_call_and_moves_nobody_elses",
        "faults_breakdowns.test_they_strike_at_the_same_moments_in_both_styles",
    ),
    "3 every request has exactly one fate, at any moment the run is cut": (
        "properties.test_every_request_has_one_fate_at_any_moment_the_run_is_cut",
        "engine_cut.test_a_request_on_its_way_at_the_cut_is_open",
        "faults_network.test_a_request_whose_message_vanished_is_stuck_however_the_run_is_cut",
    ),
    "4 a worker is held from start to end, by a blocking caller while it waits too": (
        "engine_workers.test_a_worker_is_held_from_the_start_of_the_work_to_its_end",
        "engine_workers.test_a_blocking_caller_holds_its_worker_while_it_waits",
        "engine_workers.test_a_caller_that_does_not_block_gives_its_worker_back",
        "engine_workers.test_a_caller_that_does_not_block_queues_for_a_worker_to_go_on",
        "properties.test_no_worker_leaks_and_no_queue_is_forgotten",
        "properties.test_no_more_work_is_in_progress_than_there_are_workers",
        "engine_policies.test_a_bulkhead_keeps_a_slow_dependency_from_taking_all_workers",
    ),
    "5 queues are FIFO, a limit counts who waits, rejection is immediate": (
        "engine_workers.test_a_queue_is_first_in_first_out",
        "engine_workers.test_a_full_queue_turns_away_at_once_and_at_no_cost",
        "engine_events.test_durable_messages_do_not_count_against_the_queue_limit",
        "properties.test_the_queue_is_fifo",
        "engine_policies.test_patience_turns_away_what_waited_too_long_when_its_turn_comes",
    ),
    "6 open load never waits for answers, closed load does; latency counts from the intended moment": (
        "load.test_an_open_load_never_waits_for_answers",
        "load.test_a_closed_user_thinks_asks_and_waits_for_the_answer",
        "load.test_latency_counts_from_the_moment_a_request_was_meant_to_be_sent",
    ),
    "7 parallel branches share their start and take the maximum drawn": (
        "engine_calls.test_parallel_branches_share_their_start_and_the_last_one_counts",
        "theory.test_a_forking_orchestrator_and_a_fan_out_of_events_wait_for_the_same_slowest",
        "styles.test_latency_follows_the_graph_of_the_steps_and_not_the_style",
    ),
    "8 a time-out does not stop the callee": (
        "engine_calls.test_a_time_out_does_not_stop_the_callee_whose_work_becomes_a_zombie",
        "engine_calls.test_an_abandoned_call_keeps_its_place_in_the_queue_and_is_served",
        "engine_policies.test_without_cancelling_what_is_given_up_is_done_all_the_same",
        "engine_policies.test_a_deadline_that_empties_queues_only_lets_work_in_progress_end",
        "engine_policies.test_a_deadline_passed_on_aborts_the_work_at_the_end_of_the_chain",
    ),
    "9 attempts are one and the retries; the exponent starts at 0, the cap holds": (
        "engine_calls.test_attempts_are_one_and_the_retries",
        "engine_calls.test_retries_wait_as_their_policy_says",
        "units_errors.test_retries_wait_from_exponent_zero_on_and_the_cap_holds",
        "policies.test_the_cap_applies_before_the_jitter",
    ),
    "10 a time-out is for each attempt, a deadline for all, and it shrinks along the chain": (
        "engine_calls.test_a_time_out_is_for_each_attempt_and_comes_exactly_then",
        "engine_policies.test_a_deadline_is_for_all_attempts_together",
        "engine_policies.test_a_deadline_passed_on_aborts_the_work_at_the_end_of_the_chain",
    ),
    "11 a late reply neither completes the next attempt nor counts twice": (
        "engine_calls.test_a_late_reply_to_the_first_attempt_neither_completes_the_second_nor_counts_twice",
    ),
    "12 a breaker stands inside the retry or outside it, and what it stops is not retried; a budget counts retries": (
        "engine_policies.test_a_breaker_inside_the_retry_counts_attempts_outside_it_counts_calls",
        "engine_policies.test_what_a_breaker_stops_is_an_error_of_its_own_and_not_tried_again",
        "engine_policies.test_a_budget_counts_retries_against_requests",
    ),
    "13 what a crash does to work, queue, arrivals, callers and durable messages": (
        "engine_crashes.test_work_in_progress_is_lost_and_its_caller_hears_of_it_one_hop_later",
        "engine_crashes.test_the_queue_in_memory_is_lost_too",
        "engine_crashes.test_arrivals_while_it_is_down_are_refused_at_once",
        "engine_crashes.test_durable_messages_wait_for_the_restart_and_what_was_in_work_comes_again_first",
        "engine_crashes.test_a_command_waits_for_an_addressee_that_is_down",
        "properties.test_nothing_durable_is_lost",
        "faults_crash.test_work_in_progress_is_lost_begins_anew_or_goes_on",
        "faults_crash.test_the_queue_in_memory_is_lost_or_kept_whatever_becomes_of_the_work",
        "faults_crash.test_arrivals_are_refused_at_once_or_wait_for_the_restart",
        "faults_crash.test_into_a_black_hole_arrivals_vanish_and_nobody_is_told_anything",
        "faults_crash.test_from_a_black_hole_those_already_waiting_hear_nothing_either",
    ),
    "14 three moments of a crash differ": (
        "engine_crashes.test_done_and_reported_failed_a_crash_after_the_effect_and_before_the_answer",
        "engine_events.test_an_error_told_first_is_the_end_though_the_work_goes_on",
        "faults_moments.test_the_three_moments_of_a_call",
        "faults_moments.test_the_three_moments_of_a_delivery",
        "faults_moments.test_the_three_moments_of_a_handler_that_waits",
    ),
    "15 after a restart every worker is free once, and arrivals go on during the drain": (
        "engine_crashes.test_after_the_restart_every_worker_is_free_exactly_once",
        "theory.test_the_backlog_of_an_outage_and_its_drain_are_what_fluids_do",
        "theory.test_random_arrivals_and_work_drain_alike_within_the_spread_that_theory_gives",
        "faults_crash.test_afterwards_every_worker_of_a_caller_is_free_exactly_once",
    ),
    "16 nobody knows of a crash or a recovery at once": (
        "semantics.test_a_crash_is_found_out_by_a_lost_answer_or_a_refused_connection_and_never_before",
        "engine_crashes.test_a_time_out_holds_while_the_news_of_a_crash_is_under_way",
        "engine_policies.test_a_breaker_probes_after_a_while_and_closes_again",
        "faults_crash.test_a_black_hole_costs_its_caller_the_time_out",
    ),
    "17 the orchestrator and the broker crash like anything else": (
        "engine_crashes.test_a_caller_that_crashes_forgets_its_calls_and_the_work_it_asked_for_goes_on",
        "engine_crashes.test_publishers_keep_what_they_cannot_hand_over_and_nothing_is_lost",
        "engine_crashes.test_a_broker_keeps_what_it_was_working_on_and_starts_again_on_it_first",
        "styles.test_a_durable_conductor_goes_on_after_a_crash",
        "faults_broker.test_what_comes_for_a_durable_broker_that_is_down_waits_and_keeps_its_order",
        "faults_broker.test_what_comes_for_a_broker_that_keeps_nothing_while_it_is_down_is_lost",
    ),
    "18 acknowledged after the work: at least once": (
        "engine_crashes.test_a_handler_that_waited_for_a_call_is_delivered_again_and_asks_again",
        "engine_events.test_a_delivery_that_fails_comes_again_as_a_message_of_its_own",
        "faults_broker.test_at_most_once_a_crash_after_the_effect_makes_no_duplicate",
        "faults_moments.test_after_its_effect_a_second_time_is_harmless",
        "promises.test_acknowledged_before_the_work_a_message_is_delivered_at_most_once",
    ),
    "19 each subscription gets every event, its workers share it, a slow one delays nobody": (
        "engine_events.test_each_subscription_gets_every_event",
        "engine_events.test_the_workers_of_one_subscription_share_its_events",
        "engine_events.test_a_slow_reader_delays_neither_the_publisher_nor_another_reader",
        "engine_events.test_a_redelivery_breaks_the_order",
        "promises.test_competing_workers_overtake_and_a_key_keeps_the_order",
        "engine_events.test_a_poison_message_goes_to_the_dead_letters_after_its_limit_and_lets_the_others_pass",
    ),
    "20 an idempotency key is the logical request's, not the attempt's": (
        "faults_moments.test_two_attempts_under_way_at_once_do_it_once_and_get_the_same_answer",
        "faults_moments.test_a_duplicate_is_harmless_wherever_it_was_made",
    ),
    "21 an effect and its event are two steps, unless an outbox carries it": (
        "faults_moments.test_after_the_effect_nothing_is_published",
        "promises.test_a_crash_between_effect_and_event_loses_the_event_of_an_idempotent_reader",
        "promises.test_an_outbox_carries_it_past_the_crash",
        "sagas.test_an_outbox_sends_again_what_was_lost_on_its_way_to_the_broker",
    ),
    "22 the broker is a node": (
        "engine_events.test_the_broker_is_a_node_with_a_latency_of_its_own",
        "trace.test_an_event_is_a_row_to_the_broker_and_one_from_there_to_each_reader",
    ),
    "23 completed steps are undone, in reverse; one that timed out may have happened": (
        "styles.test_undos_come_in_reverse_in_every_style",
        "styles.test_a_refusal_at_the_first_step_leaves_nothing_to_undo",
        "sagas.test_an_undo_of_what_was_never_done_does_nothing_and_keeps_it_from_being_done_later",
        "sagas.test_what_was_refused_after_a_lost_attempt_may_have_been_done_and_is_undone",
    ),
    "24 an undo can fail, is tried again, and is parked for a person in the end": (
        "sagas.test_an_undo_that_fails_is_tried_again",
        "sagas.test_an_undo_that_goes_on_failing_is_parked_for_a_person_and_the_others_are_done",
    ),
    "25 abort latency includes the undos; commands and replies are messages": (
        "semantics.test_the_latency_of_an_abort_includes_its_undos",
        "trace.test_a_command_is_two_rows_to_its_one_addressee",
        "trace.test_a_message_is_counted_the_same_way_in_every_style",
    ),
    "26 two designs are compared on equal work, capacity and hops": (
        "styles.test_every_style_meets_the_same_work",
        "explain.test_two_styles_of_one_process_share_work_workers_and_hops",
    ),
    "28 recovered is on time again, by the moment of placing": (
        "recovery.test_on_time_counts_when_placed_and_late_when_done",
        "recovery.test_on_time_again_is_when_the_backlog_has_drained_to_the_objective",
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
