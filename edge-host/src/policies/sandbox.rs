//! One policy's instance, and what it may use: no import, little time, little memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breakwater_kit::types::RequestHead;
use breakwater_pipeline::{Fault, Reads};
use nix::time::{ClockId, clock_gettime};
use wasmtime::component::{InstancePre, TypedFunc};
use wasmtime::{Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

use super::components::TICK;
use super::interfaces::{Exports, Interface};
use super::view::FieldView;
use crate::metrics::PolicyMeter;

/// Bytes of memory that one policy may have.
const MAX_MEMORY: usize = 64 * 1024 * 1024;

/// Time for one question.
const BUDGET: Duration = Duration::from_millis(50);

/// Time for a new section of the snapshot, which is long and comes seldom.
const CONFIGURE_BUDGET: Duration = Duration::from_secs(2);

type Configure = TypedFunc<(&'static [u8],), (Verdict,)>;

/// The names of the request headers that the policy reads, or what is wrong with its section.
type Verdict = Result<Vec<String>, String>;

/// A policy behind its walls.
pub struct Sandbox<F> {
    component: InstancePre<Guard>,
    /// None after a failure, until it is needed again.
    instance: Option<Instance<F>>,
    /// The section that it took last.
    section: Option<Box<[u8]>>,
    /// What it is shown of a request, under that section.
    reads: Reads,
    /// Where calls are counted, if they are.
    pub meter: Option<Arc<PolicyMeter>>,
}

struct Instance<F> {
    store: Store<Guard>,
    configure: Configure,
    functions: F,
}

/// What a store knows about its policy.
pub struct Guard {
    limits: StoreLimits,
    budget: Duration,
    /// The thread's processor time when the budget first seemed to be over.
    late_since: Option<Duration>,
}

impl<F: Interface> Sandbox<F> {
    /// Makes an instance, so that a component that cannot be one is told at the start.
    pub fn new(component: &InstancePre<Guard>) -> wasmtime::Result<Self> {
        let instance = Instance::new(component)?;
        let (component, instance) = (component.clone(), Some(instance));
        Ok(Self { component, instance, section: None, reads: Reads::default(), meter: None })
    }

    /// Gives the policy its section. The inner error is its own.
    pub fn configure(&mut self, json: &[u8]) -> Result<Result<(), String>, Fault> {
        let verdict = self.call_within(CONFIGURE_BUDGET, |instance| instance.configure(json))?;
        Ok(verdict.map(|names| {
            self.section = Some(json.into());
            self.reads = Reads::new(names);
        }))
    }

    /// What the policy is shown of a request's headers.
    pub fn shown<'a>(&self, request: &'a RequestHead) -> Vec<FieldView<'a>> {
        self.reads.of(&request.headers).map(FieldView::from).collect()
    }

    /// Asks the policy.
    pub fn call<R>(&mut self, ask: impl FnOnce(&F, &mut Store<Guard>) -> wasmtime::Result<(R,)>) -> Result<R, Fault> {
        let since = self.meter.is_some().then(Instant::now);
        let answer =
            self.call_within(BUDGET, |instance| ask(&instance.functions, &mut instance.store).map(|(answer,)| answer));
        if let (Some(meter), Some(since)) = (&self.meter, since) {
            meter.durations.observe(since.elapsed());
            if answer.is_err() {
                meter.failures.one();
            }
        }
        answer
    }

    fn call_within<R>(
        &mut self,
        budget: Duration,
        ask: impl FnOnce(&mut Instance<F>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let instance = match &mut self.instance {
            Some(instance) => instance,
            None => {
                let instance = Self::remake(&self.component, self.section.as_deref())?;
                self.instance.insert(instance)
            }
        };
        instance.start_clock(budget);
        ask(instance).map_err(|error| {
            // Whatever state it is in, nobody asks this instance again.
            self.instance = None;
            fault::<F>(&error)
        })
    }

    fn remake(component: &InstancePre<Guard>, section: Option<&[u8]>) -> Result<Instance<F>, Fault> {
        let mut instance = Instance::new(component).map_err(|error| fault::<F>(&error))?;
        if let Some(section) = section {
            instance.start_clock(CONFIGURE_BUDGET);
            let verdict = instance.configure(section).map_err(|error| fault::<F>(&error))?;
            verdict.map_err(|reason| Fault(format!("{}: it no longer takes its section: {reason}", F::NAME)))?;
        }
        Ok(instance)
    }
}

fn fault<F: Interface>(error: &wasmtime::Error) -> Fault {
    // The first line says what happened; the rest is a backtrace of numbers.
    let cause = error.root_cause().to_string();
    Fault(format!("{}: {}", F::NAME, cause.lines().next().unwrap_or_default()))
}

impl<F: Interface> Instance<F> {
    fn new(component: &InstancePre<Guard>) -> wasmtime::Result<Self> {
        let limits = StoreLimitsBuilder::new().memory_size(MAX_MEMORY).trap_on_grow_failure(true).build();
        let guard = Guard { limits, budget: CONFIGURE_BUDGET, late_since: None };
        let mut store = Store::new(component.engine(), guard);
        store.limiter(|guard| &mut guard.limits);
        store.epoch_deadline_callback(late);
        store.set_epoch_deadline(ticks(CONFIGURE_BUDGET));
        let instance = component.instantiate(&mut store)?;
        let mut exports = Exports { instance, store: &mut store, interface: F::NAME };
        let configure = exports.function("configure")?;
        let functions = F::bind(&mut exports)?;
        Ok(Self { store, configure, functions })
    }

    fn start_clock(&mut self, budget: Duration) {
        self.store.set_epoch_deadline(ticks(budget));
        let guard = self.store.data_mut();
        guard.budget = budget;
        guard.late_since = None;
    }

    fn configure(&mut self, json: &[u8]) -> wasmtime::Result<Verdict> {
        let configure: &TypedFunc<(&[u8],), _> = &self.configure;
        configure.call(&mut self.store, (json,)).map(|(verdict,)| verdict)
    }
}

fn ticks(budget: Duration) -> u64 {
    // The tick under way does not count.
    (budget.as_millis() / TICK.as_millis()) as u64 + 1
}

/// The budget seems to be over. The clock of ticks is a clock on the wall, though, and a busy machine may have let this
/// thread wait: only processor time that was used from here on ends the call.
fn late(mut store: StoreContextMut<'_, Guard>) -> wasmtime::Result<UpdateDeadline> {
    let used: Duration = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into();
    let guard = store.data_mut();
    let since = *guard.late_since.get_or_insert(used);
    if used.saturating_sub(since) < guard.budget {
        return Ok(UpdateDeadline::Continue(1));
    }
    wasmtime::bail!("it took longer than {} ms", guard.budget.as_millis())
}
