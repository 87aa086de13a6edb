//! Active health checks: one task per endpoint, for all workers, in the main thread.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use breakwater_pipeline::balance::Health;
use breakwater_pipeline::{HealthCheck, Snapshot};
use http::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::request_body::RequestBody;
use super::{Origin, Reach, connect};
use crate::setup::Current;

/// Endpoints that get no requests, by the upstream's name and their origin.
pub type Unwell = HashSet<(String, Origin)>;

/// Asks endpoints how they are.
pub struct Checker {
    reach: RefCell<Reach>,
    publish: watch::Sender<Arc<Unwell>>,
    unwell: RefCell<Unwell>,
}

type Key = (String, Origin);

impl Checker {
    /// What it finds goes to whoever listens.
    pub fn new(reach: Reach, publish: watch::Sender<Arc<Unwell>>) -> Self {
        Self { reach: RefCell::new(reach), publish, unwell: RefCell::default() }
    }

    /// Checks what the snapshots say, for as long as there are any.
    pub async fn run(self, mut news: watch::Receiver<Current>) {
        let checker = Rc::new(self);
        let mut running: HashMap<Key, (HealthCheck, AbortHandle)> = HashMap::new();
        while news.changed().await.is_ok() {
            let Current { setup, snapshot } = news.borrow_and_update().clone();
            // Checks that go on ask from now on as the new setup says.
            checker.reach.replace(setup.reach.clone());
            let mut wanted = snapshot.map(|snapshot| checker.wanted(&snapshot)).unwrap_or_default();
            running.retain(|key, (check, task)| {
                let stays = wanted.get(key) == Some(check);
                if stays {
                    wanted.remove(key);
                } else {
                    task.abort();
                    checker.note(key, true);
                }
                stays
            });
            for (key, check) in wanted {
                let task = tokio::task::spawn_local(checker.clone().watch(key.clone(), check.clone()));
                running.insert(key, (check, task.abort_handle()));
            }
        }
    }

    fn wanted(&self, snapshot: &Snapshot) -> HashMap<Key, HealthCheck> {
        let reach = self.reach.borrow();
        let mut wanted = HashMap::new();
        for (name, upstream) in &snapshot.settings.upstreams {
            let Some(check) = &upstream.health else { continue };
            let endpoints = reach.endpoints(upstream).filter(|(origin, _)| reach.may(origin));
            wanted.extend(endpoints.map(|(origin, _)| ((name.clone(), origin), check.clone())));
        }
        wanted
    }

    async fn watch(self: Rc<Self>, key: Key, check: HealthCheck) {
        let mut health = Health::default();
        loop {
            let good = timeout(Duration::from_millis(check.timeout), self.ask(&key.1, &check)).await;
            if health.heard(good.unwrap_or(false), &check) {
                let (upstream, origin) = &key;
                match health.is_well() {
                    true => tracing::info!(upstream, %origin, "an endpoint is well again"),
                    false => tracing::warn!(upstream, %origin, "an endpoint is unwell"),
                }
                self.note(&key, health.is_well());
            }
            sleep(Duration::from_millis(check.interval)).await;
        }
    }

    fn note(&self, key: &Key, well: bool) {
        let mut unwell = self.unwell.borrow_mut();
        let changed = if well { unwell.remove(key) } else { unwell.insert(key.clone()) };
        if changed {
            self.publish.send_replace(Arc::new(unwell.clone()));
        }
    }

    /// A connection of its own each time: whether one can be had is part of the question.
    async fn ask(&self, origin: &Origin, check: &HealthCheck) -> bool {
        let patience = Duration::from_millis(check.timeout);
        let tls = self.reach.borrow().tls.clone();
        let Ok(mut sender) = connect::connect(origin, &tls, patience).await else { return false };
        let Ok(path) = check.path.parse::<Uri>() else { return false };
        let mut request = Request::new(RequestBody::none());
        *request.uri_mut() = path;
        let headers = request.headers_mut();
        headers.insert(HOST, origin.authority().clone());
        headers.insert(USER_AGENT, HeaderValue::from_static("breakwater-health"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        sender.send_request(request).await.is_ok_and(|answer| answer.status().is_success())
    }
}
