//! What a worker serves requests with until there is something newer. A request keeps the one that it began with.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use breakwater_pipeline::{Gateway, Snapshot, apply};

use crate::metrics::WorkerMetrics;
use crate::policies::PolicySet;
use crate::setup::{Current, Setup};
use crate::upstream::Upstreams;

/// One setup at work.
pub struct Generation {
    /// Borrowed for one step of one request at a time.
    pub policies: RefCell<PolicySet>,
    /// Exchanged for another with every snapshot.
    pub gateway: RefCell<Arc<Gateway>>,
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// What it is made of.
    pub setup: Arc<Setup>,
    /// What the policies were told.
    told: RefCell<Option<Arc<Snapshot>>>,
}

impl Generation {
    /// With what is current.
    pub fn new(current: Current, metrics: Option<&Rc<WorkerMetrics>>) -> Result<Self> {
        let Current { setup, snapshot } = current;
        let policies = PolicySet::new(&setup.components).map_err(anyhow::Error::from);
        let mut policies = policies.context("cannot make the policies")?;
        if let Some(metrics) = metrics {
            policies = policies.measured(&metrics.policies);
        }
        let generation = Self {
            policies: RefCell::new(policies),
            gateway: RefCell::new(setup.gateway.clone()),
            upstreams: setup.upstreams().measured(metrics.cloned()),
            setup,
            told: RefCell::default(),
        };
        if let Some(snapshot) = snapshot {
            generation.tell(snapshot)?;
        }
        Ok(generation)
    }

    /// Gives a snapshot to the policies, whole or not at all.
    pub fn tell(&self, snapshot: Arc<Snapshot>) -> Result<()> {
        let mut told = self.told.borrow_mut();
        apply(&mut *self.policies.borrow_mut(), &snapshot, told.as_deref())?;
        let gateway = self.gateway.borrow().with_settings(snapshot.settings.clone());
        self.upstreams.configure(&snapshot.settings.upstreams);
        *self.gateway.borrow_mut() = gateway;
        *told = Some(snapshot);
        Ok(())
    }
}
