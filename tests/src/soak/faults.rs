//! What breaks, and how it is made whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};

use super::clients::Front;
use super::proxy::Proxy;
use crate::redis::Redis;
use crate::system::System;

/// After a fault everything has to be well again within this time.
const RECOVERY: Duration = Duration::from_secs(30);

/// A fault.
#[derive(Clone, Copy)]
pub enum Fault {
    RedisKilled,
    CoreKilled,
    CoreFrozen,
    CoreRestarted,
    EdgeKilled,
    EdgeRestarted,
    SnapshotGarbage,
    GatewayFileGarbage,
}

/// Everything that can break.
pub struct World {
    pub system: System,
    pub redis: Redis,
    pub proxy: Proxy,
    pub front: Arc<Front>,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::RedisKilled,
        Self::CoreKilled,
        Self::CoreFrozen,
        Self::CoreRestarted,
        Self::EdgeKilled,
        Self::EdgeRestarted,
        Self::SnapshotGarbage,
        Self::GatewayFileGarbage,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::RedisKilled => "Redis is killed",
            Self::CoreKilled => "the core is killed",
            Self::CoreFrozen => "the core stands still",
            Self::CoreRestarted => "the core is restarted",
            Self::EdgeKilled => "the edge is killed",
            Self::EdgeRestarted => "the edge is restarted",
            Self::SnapshotGarbage => "the snapshot is garbage",
            Self::GatewayFileGarbage => "gateway.toml is garbage",
        }
    }

    /// Whether requests that are on their way may get no answer.
    fn loses(self) -> bool {
        // A core that is restarted finishes what it has; an edge as well, but then nobody listens for a while.
        matches!(self, Self::CoreKilled | Self::EdgeKilled | Self::EdgeRestarted)
    }
}

impl World {
    /// Lets it happen for so long, makes it whole, and waits: how long it took.
    pub async fn suffer(&mut self, fault: Fault, length: Duration) -> Option<Duration> {
        self.front.killed.store(fault.loses(), Ordering::Relaxed);
        tokio::task::block_in_place(|| self.begin(fault));
        tokio::time::sleep(length).await;
        tokio::task::block_in_place(|| self.end(fault));
        let recovered = self.recovered().await;
        self.front.killed.store(false, Ordering::Relaxed);
        Some(recovered)
    }

    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::RedisKilled => self.redis.kill(),
            Fault::CoreKilled => self.system.core.kill(),
            Fault::CoreFrozen => self.system.core.signal(Signal::SIGSTOP),
            Fault::CoreRestarted => drop(self.system.core.terminate()),
            Fault::EdgeKilled => self.system.edge.kill(),
            Fault::EdgeRestarted => drop(self.system.edge.terminate()),
            Fault::SnapshotGarbage => self.proxy.lie(true),
            Fault::GatewayFileGarbage => self.system.declare("[[routes]]\nid = \"no \\u0000 TOML"),
        }
    }

    fn end(&mut self, fault: Fault) {
        match fault {
            Fault::RedisKilled => self.redis.restart(),
            Fault::CoreKilled | Fault::CoreRestarted => self.system.restart_core(),
            Fault::CoreFrozen => self.system.core.signal(Signal::SIGCONT),
            Fault::EdgeKilled | Fault::EdgeRestarted => self.system.restart_edge(),
            Fault::SnapshotGarbage => {
                let start = Instant::now();
                while self.proxy.told() == 0 {
                    assert!(start.elapsed() < RECOVERY, "the edge does not ask for its snapshot");
                    std::thread::sleep(Duration::from_millis(10));
                }
                self.proxy.lie(false);
            }
            Fault::GatewayFileGarbage => self.system.declare(""),
        }
    }

    /// How long it takes until a request that needs everything is answered.
    async fn recovered(&self) -> Duration {
        let start = Instant::now();
        loop {
            let asked = self.front.request(Method::GET, "/.well-known/jwks.json").header("cache-control", "no-cache");
            if asked.send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return start.elapsed();
            }
            assert!(start.elapsed() < RECOVERY, "it is over, but nothing works again:\n{}", self.system.edge.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
