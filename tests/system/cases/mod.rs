//! What an edge does, written once. Every case runs under both shells: edge-host as a process of its own, and the
//! component `gateway`, composed from `spin.toml` and hosted as Spin does it.

mod adapted;
mod authentication;
mod bodies;
mod caching;
mod callers;
mod cookies;
mod core_away;
mod cors;
mod heads;
mod limits;
mod pages;
mod requests;
mod routing;
mod snapshots;

/// Lists the cases, each with the module that it stands in.
macro_rules! cases {
    ($($module:ident: $($case:ident),+;)+) => {
        mod under_edge_host {
            use crate::fixture::edge::{Edge, Shell};
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$module::$case(Edge::start(Shell::EdgeHost).await).await;
                }
            )+)+
        }

        mod under_spin {
            use crate::fixture::edge::{Edge, Shell};
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$module::$case(Edge::start(Shell::Spin).await).await;
                }
            )+)+
        }
    };
}

cases! {
    routing: the_most_specific_route_wins, an_unknown_path_is_not_found, a_wrong_method_lists_the_right_ones,
        head_is_answered_where_get_is, hosts_and_headers_choose_routes, a_redirect_is_answered_by_the_edge,
        a_closed_route_says_when_to_come_back, an_upstream_that_the_manifest_does_not_allow_is_not_asked;
    adapted: versions_are_negotiated, an_old_version_is_served_by_transformation, a_body_that_is_no_json_is_refused,
        a_request_is_mirrored, a_canary_gets_its_part, a_route_has_a_cors_rule_of_its_own;
    authentication: credentials_are_judged, a_caller_is_known_by_the_core_too;
    cookies: a_session_in_a_cookie_is_judged, pages_of_the_app_may_send_cookies_and_no_others,
        what_a_session_is_answered_is_kept_for_nobody_else, only_the_core_is_shown_the_tokens_of_a_session;
    callers: an_api_key_is_good_until_it_is_taken_away, a_key_of_the_cores_is_asked_about_until_it_ends, claims_are_told_by_the_edge_alone,
        an_opaque_token_is_asked_about, the_core_hears_of_a_key_that_is_missing,
        behind_a_proxy_the_client_is_who_the_proxy_says;
    limits: so_many_at_once_and_no_more, an_address_has_its_allowance, an_allowance_is_shared_by_all_edges, a_caller_has_an_allowance_of_its_own,
        refused_credentials_cost_the_caller_nothing, without_redis_limits_are_open_or_closed;
    caching: a_fresh_answer_is_not_asked_for_again, what_may_not_be_kept_is_asked_for_again,
        a_stale_answer_is_confirmed, answers_that_vary_are_told_apart, a_client_that_knows_the_answer_gets_none,
        an_answer_that_is_too_large_is_passed_and_not_kept;
    cors: a_preflight_is_answered_by_the_edge, an_allowed_page_may_read, another_page_may_not;
    requests: the_core_is_told_who_asked, what_only_an_edge_may_say_is_removed, a_request_id_is_kept_or_made,
        a_trace_is_continued_or_begun, the_answer_is_cleaned_and_secured;
    heads: broken_heads_are_refused;
    bodies: a_body_arrives_as_it_was_sent, a_body_without_length_arrives, a_body_that_is_too_large_is_refused,
        a_body_that_grows_too_large_is_refused, an_answer_is_streamed, an_answer_that_breaks_off_breaks_off,
        an_upstream_may_answer_before_the_body_ends, a_delete_needs_no_body,
        a_body_that_stands_still_is_given_up;
    core_away: the_edge_says_so_at_once_and_recovers, the_last_good_snapshot_outlives_idleness, a_slow_core_is_given_up, an_edge_without_a_snapshot_is_not_ready;
    snapshots: a_change_is_picked_up, a_snapshot_that_is_refused_changes_nothing;
    pages: the_start_page_is_served;
}
