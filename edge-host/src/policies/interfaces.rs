//! The WIT interfaces of the policies as typed functions.
//!
//! Parameters are borrowed: a call lowers them into the component's memory without a copy in between. A component
//! whose functions differ from these types does not load.

use breakwater_kit::types::{
    CacheKeep, CachePlan, CacheUse, Caller, ClientCertificate, DrawPlan, Drawn, File, Hit, Leased, Opinion, Problem,
    Requirement, ResponseHead, RouteDecision, Sent, Stored, StoredHead, Verdict,
};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, Lower, TypedFunc};

use super::sandbox::Guard;
use super::view::{HeadView, PresentedView, SubscriberView};

/// The functions of one interface, besides `configure`, which all have.
pub trait Interface: Sized {
    /// The interface's full name.
    const NAME: &str;

    /// Finds the functions.
    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self>;
}

/// The exports of an instance's interface.
pub struct Exports<'a> {
    pub instance: Instance,
    pub store: &'a mut Store<Guard>,
    pub interface: &'static str,
}

impl Exports<'_> {
    /// A function of the interface.
    pub fn function<P, R>(&mut self, name: &str) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let missing = || wasmtime::format_err!("the component does not export {name} of {}", self.interface);
        let interface = self.instance.get_export_index(&mut *self.store, None, self.interface).ok_or_else(missing)?;
        let function = self.instance.get_export_index(&mut *self.store, Some(&interface), name).ok_or_else(missing)?;
        self.instance.get_typed_func(&mut *self.store, function)
    }
}

type Head = HeadView<'static>;
type Presented = PresentedView<'static>;
type Names = &'static [String];
/// `'static` stands for any lifetime: typed functions are covariant in their parameters.
type Function<P, R> = TypedFunc<P, (R,)>;

/// `routing`
pub struct Routing {
    pub route: Function<(Head,), RouteDecision>,
}

impl Interface for Routing {
    const NAME: &str = "breakwater:edge/routing@1.0.0";

    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self> {
        Ok(Self { route: exports.function("route")? })
    }
}

/// `rate-limiting`
pub struct RateLimiting {
    pub draw: Function<(Presented, &'static str, Names, Option<SubscriberView<'static>>), DrawPlan>,
    pub judge: Function<(&'static [Drawn], &'static [Leased]), Option<Problem>>,
}

impl Interface for RateLimiting {
    const NAME: &str = "breakwater:edge/rate-limiting@1.0.0";

    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self> {
        Ok(Self { draw: exports.function("draw")?, judge: exports.function("judge")? })
    }
}

/// `authentication`
pub struct Authentication {
    pub authenticate: Function<(Presented, &'static Requirement, Option<&'static ClientCertificate>, u64), Verdict>,
    pub introspected: Function<(Presented, &'static Requirement, Option<&'static Opinion>, u64), Verdict>,
}

impl Interface for Authentication {
    const NAME: &str = "breakwater:edge/authentication@1.0.0";

    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self> {
        Ok(Self { authenticate: exports.function("authenticate")?, introspected: exports.function("introspected")? })
    }
}

/// The caller of a request, if that is known.
type Who = Option<&'static Caller>;
/// What the state has, if anything.
type Found = Option<&'static Stored>;

/// `caching`
pub struct Caching {
    pub plan: Function<(Head, Who), CachePlan>,
    pub judge: Function<(Head, Who, &'static str, Found, u64, u64), CacheUse>,
    pub keep: Function<(Head, Who, &'static ResponseHead, Sent, u64), CacheKeep>,
    pub update: Function<(Head, Who, &'static StoredHead, &'static ResponseHead, Sent, u64), CacheKeep>,
    pub rescue: Function<Rescue, Option<Hit>>,
    pub invalidate: Function<(Head, &'static ResponseHead), Vec<String>>,
}

/// Request, stored response, its length, the upstream's status, and the time.
type Rescue = (Head, &'static StoredHead, u64, Option<u16>, u64);

impl Interface for Caching {
    const NAME: &str = "breakwater:edge/caching@1.0.0";

    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self> {
        Ok(Self {
            plan: exports.function("plan")?,
            judge: exports.function("judge")?,
            keep: exports.function("keep")?,
            update: exports.function("update")?,
            rescue: exports.function("rescue")?,
            invalidate: exports.function("invalidate")?,
        })
    }
}

/// `static-files`
pub struct StaticFiles {
    pub find: Function<(Head,), File>,
}

impl Interface for StaticFiles {
    const NAME: &str = "breakwater:edge/static-files@1.0.0";

    fn bind(exports: &mut Exports<'_>) -> wasmtime::Result<Self> {
        Ok(Self { find: exports.function("find")? })
    }
}
