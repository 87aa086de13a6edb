//! Instances and their reuse, with Spin's numbers: 128 requests, 16 at once, one second idle.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::outbound::Outbound;
use super::{Application, ENGINE, SERVICE};

const MAX_REQUESTS: usize = 128;
const MAX_AT_ONCE: usize = 16;
const MAX_IDLE: Duration = Duration::from_secs(1);

/// What one instance has.
pub struct Data {
    pub application: Arc<Application>,
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl Data {
    pub fn new(application: &Arc<Application>) -> std::io::Result<Self> {
        Ok(Self {
            application: Arc::clone(application),
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().stderr(OutputFile::new(application.log.try_clone()?)).build(),
            http: WasiHttpCtx::new(),
            outbound: application.outbound.clone(),
        })
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Data {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

pub type Handler = ProxyHandler<Instances>;

pub fn handler(application: Arc<Application>) -> Handler {
    ProxyHandler::new(Instances(application))
}

pub struct Instances(Arc<Application>);

impl HandlerState for Instances {
    type StoreData = Data;
    type WorkerExpiration = Idle;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Data, Idle, Reuse>> {
        let log = self.0.log.try_clone()?;
        let mut store = Store::new(&ENGINE, Data::new(&self.0)?);
        let proxy = Proxy::P3(SERVICE.instantiate_async(&mut store).await?);
        Ok(Instance { store, proxy, view: WasiHttpView::http, expiration: Idle::default(), state: Reuse(log) })
    }
}

/// With the log, for what goes wrong after an answer.
pub struct Reuse(std::fs::File);

impl WorkerState for Reuse {
    type StoreData = Data;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        if total >= MAX_REQUESTS {
            ShouldAccept::Never
        } else if at_once >= MAX_AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Data>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, _: Store<Data>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            let _ = writeln!(&self.0, "an instance of the gateway ended badly: {error:?}");
        }
    }
}

/// Ends an instance that nobody has used for a while.
#[derive(Default)]
pub struct Idle(Option<(Instant, Pin<Box<tokio::time::Sleep>>)>);

impl WorkerExpiration for Idle {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        if status != WorkerStatus::Idle {
            self.0 = None;
            return Poll::Pending;
        }
        if self.0.as_ref().is_none_or(|(start, _)| *start != since) {
            self.0 = Some((since, Box::pin(tokio::time::sleep_until((since + MAX_IDLE).into()))));
        }
        match &mut self.0 {
            Some((_, sleep)) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}
