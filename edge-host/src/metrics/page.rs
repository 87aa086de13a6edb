//! The counters as text, in the format that Prometheus reads (OpenMetrics 1.0).

use std::fmt;
use std::sync::{Arc, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::cell::Total;
use super::worker::{OUTCOMES, REFUSERS};
use super::{Count, Histogram, Metrics};
use crate::tunnel::ENDS;

/// Labels and their values.
type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Metrics {
    /// Everything, now.
    pub fn render(self: &Arc<Self>) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("breakwater_edge");
        registry.register_collector(Box::new(self.clone()));
        let mut page = String::new();
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.requests(&mut page)?;
        self.policies(&mut page)?;
        self.upstreams(&mut page)?;
        self.tunnels(&mut page)?;
        self.connections_and_snapshot(&mut page)
    }
}

impl Metrics {
    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let routes = self.routes.read();
        const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];
        let rows = routes.iter().flat_map(|(route, all)| {
            let row = move |(index, class): (usize, &&'static str)| {
                (vec![("route", route.as_str()), ("status", *class)], sum(all, |meter| &meter.statuses[index]))
            };
            CLASSES.iter().enumerate().map(row)
        });
        page.counters("requests", "Requests that were answered", happened(rows))?;
        let rows =
            routes.iter().map(|(route, all)| (vec![("route", route.as_str())], total(all, |meter| &meter.durations)));
        page.histograms("request_duration_seconds", "From a request's head to the head of its answer", rows)?;
        let rows = routes.iter().flat_map(|(route, all)| {
            let row = move |(index, by): (usize, &&'static str)| {
                (vec![("route", route.as_str()), ("by", *by)], sum(all, |meter| &meter.refusals[index]))
            };
            REFUSERS.iter().enumerate().map(row)
        });
        page.counters("refusals", "Requests that the edge refused, by the part of it that did", happened(rows))?;
        let limits = self.limits.read();
        let rows = limits.iter().map(|(limit, all)| (vec![("limit", limit.as_str())], sum(all, |count| count)));
        page.counters("limit_refusals", "Requests that a limit refused", rows)?;
        let caches = self.caches.read();
        let rows = caches.iter().map(|((result, reason), all)| {
            (vec![("result", *result), ("reason", reason.as_str())], sum(all, |count| count))
        });
        page.counters("cache", "Answers of cacheable routes, by what the cache had to do with them, and why", rows)
    }

    fn policies(&self, page: &mut Page<'_>) -> fmt::Result {
        let policies = self.policies.read();
        let rows =
            policies.iter().map(|(policy, all)| (vec![("policy", *policy)], total(all, |meter| &meter.durations)));
        page.histograms("policy_duration_seconds", "Calls of a policy's component", rows)?;
        let rows = policies.iter().map(|(policy, all)| (vec![("policy", *policy)], sum(all, |meter| &meter.failures)));
        page.counters("policy_failures", "Calls that trapped, took too long or took too much memory", rows)
    }

    fn upstreams(&self, page: &mut Page<'_>) -> fmt::Result {
        let upstreams = self.upstreams.read();
        let rows = upstreams.iter().flat_map(|(upstream, all)| {
            let row = move |(index, outcome): (usize, &&'static str)| {
                (vec![("upstream", upstream.as_str()), ("outcome", *outcome)], sum(all, |meter| &meter.outcomes[index]))
            };
            OUTCOMES.iter().enumerate().map(row)
        });
        page.counters("upstream_requests", "Requests to an upstream, by how they ended", happened(rows))?;
        let rows = upstreams
            .iter()
            .map(|(upstream, all)| (vec![("upstream", upstream.as_str())], total(all, |meter| &meter.durations)));
        page.histograms("upstream_duration_seconds", "Until the head of an upstream's answer", rows)?;
        let pools = self.pools.read();
        let rows =
            pools.iter().map(|(origin, all)| (vec![("origin", origin.as_str())], sum(all, |pool| &pool.retried)));
        page.counters("upstream_retries", "Requests that were sent again on another connection", rows)?;
        let rows = pools.iter().map(|(origin, all)| (vec![("origin", origin.as_str())], sum(all, |pool| &pool.opened)));
        page.counters("pool_connections_opened", "Connections that were made to an origin", rows)?;
        let rows = pools.iter().map(|(origin, all)| (vec![("origin", origin.as_str())], sum(all, |pool| &pool.reused)));
        page.counters("pool_connections_reused", "Requests that went over a connection that was there", rows)?;
        let rows =
            pools.iter().map(|(origin, all)| (vec![("origin", origin.as_str())], sum(all, |pool| &pool.waiting)));
        page.gauges("pool_connections_waiting", "Connections that wait for the next request", rows)
    }

    fn tunnels(&self, page: &mut Page<'_>) -> fmt::Result {
        let tunnels = self.tunnels.read();
        let rows = tunnels.iter().map(|(route, all)| {
            let ended: u64 = (0..ENDS.len()).map(|index| sum(all, |meter| &meter.ended[index])).sum();
            (vec![("route", route.as_str())], sum(all, |meter| &meter.opened).saturating_sub(ended))
        });
        page.gauges("tunnels_open", "WebSockets that are open", rows)?;
        let rows = tunnels.iter().flat_map(|(route, all)| {
            let row = move |(index, end): (usize, &&'static str)| {
                (vec![("route", route.as_str()), ("end", *end)], sum(all, |meter| &meter.ended[index]))
            };
            ENDS.iter().enumerate().map(row)
        });
        page.counters("tunnels", "WebSockets that have ended, by how", happened(rows))?;
        let rows = tunnels.iter().flat_map(|(route, all)| {
            let ways =
                [("client", sum(all, |meter| &meter.to_client)), ("upstream", sum(all, |meter| &meter.to_upstream))];
            ways.map(|(to, bytes)| (vec![("route", route.as_str()), ("to", to)], bytes))
        });
        page.counters("tunnel_bytes", "Bytes that went through WebSockets, by whom they went to", rows)
    }

    fn connections_and_snapshot(&self, page: &mut Page<'_>) -> fmt::Result {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let open = connections.iter().map(|(open, _)| open.len() as u64).sum();
        page.gauges("connections_open", "Connections of clients that are open", [(Labels::new(), open)].into_iter())?;
        let taken = connections.iter().map(|(_, taken)| taken.get()).sum();
        page.counters("connections", "Connections of clients that were taken", [(Labels::new(), taken)].into_iter())?;
        let state = self.state().clone();
        let version = state.version.iter().map(|version| (vec![("version", version.as_str())], 1));
        page.gauges("snapshot", "The snapshot in use", version)?;
        let age = state.confirmed.iter().map(|at| (Labels::new(), at.elapsed().as_secs()));
        page.gauges("snapshot_age_seconds", "Since the core last said which snapshot is current", age)?;
        let refused = [(Labels::new(), state.refused)].into_iter();
        page.counters("snapshots_refused", "Snapshots that the policies refused", refused)?;
        let failures = [(Labels::new(), state.failures)].into_iter();
        page.counters("snapshot_failures", "Times that the core gave no snapshot", failures)?;
        let reloads = self.reloads().clone();
        let rows = [("taken", reloads.taken), ("refused", reloads.refused)];
        let rows = rows.into_iter().map(|(result, count)| (vec![("result", result)], count));
        page.counters("reloads", "Changes of the manifest, a component or a certificate", rows)
    }
}

/// A thing that never happened needs no row: there would be many for each route.
fn happened<L>(rows: impl Iterator<Item = (L, u64)>) -> impl Iterator<Item = (L, u64)> {
    rows.filter(|(_, count)| *count > 0)
}

fn sum<V>(all: &[Arc<V>], count: impl Fn(&V) -> &Count) -> u64 {
    all.iter().map(|one| count(one).get()).sum()
}

fn total<V>(all: &[Arc<V>], histogram: impl Fn(&V) -> &Histogram) -> Total {
    Total::of(all.iter().map(|one| histogram(one)))
}

/// The page as far as it is written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &'static str,
        help: &'static str,
        rows: impl Iterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in rows {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &'static str,
        help: &'static str,
        rows: impl Iterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histograms<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        rows: impl Iterator<Item = (Labels<'l>, Total)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, Total { sum, count, buckets }) in rows {
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}
