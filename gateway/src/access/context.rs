//! A request as it is recorded: its id, what it asked for, and what is learnt about it on the way.

use std::{
    net::IpAddr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use actix_web::{HttpMessage as _, dev::ServiceRequest, http::Method};

use super::{
    Caller,
    door::URI_MAX,
    inside::{Anybody, OnBehalf},
    limit::Standing,
    load::{Load, Slot, Uncounted},
    origin::{Origin, Origins},
};
use crate::{
    domain::Tenant,
    error::Problem,
    world::{World, id_parts},
};

/// The header that carries a request's id, both ways.
pub const REQUEST_ID: &str = "x-request-id";
/// A client's own request id is kept when it is this long at most and of plain characters.
const REQUEST_ID_MAX: usize = 64;
/// The route of what no route takes.
pub(super) const UNMATCHED: &str = "unmatched";
/// How much of a path is put on the ledger.
const PATH_MAX: usize = URI_MAX;

/// One request.
#[derive(Debug)]
pub struct Context {
    /// The client's own id for it, or ours.
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Path alone.
    pub path: String,
    /// The route's pattern; `unmatched` when there is none.
    pub route: String,
    /// Where it came from.
    pub address: IpAddr,
    /// The thumbprint of its sender's certificate (`x5t#S256`).
    pub certificate: Option<String>,
    /// Whether the answer is to have a nonce for the next DPoP proof.
    wants_nonce: AtomicBool,
    caller: OnceLock<(Caller, Tenant)>,
    standing: Mutex<Option<Standing>>,
    units: AtomicU32,
    is_inside: bool,
    counted: bool,
    slot: Mutex<Option<Slot>>,
}

impl Context {
    /// Takes note of a request.
    #[must_use]
    pub fn of(request: &ServiceRequest, origins: &Origins, world: &dyn World) -> Self {
        let inside = {
            let extensions = request.extensions();
            let named = extensions.get::<OnBehalf>().map(|on_behalf| on_behalf.address);
            named.or_else(|| extensions.get::<Anybody>().map(|anybody| anybody.address))
        };
        let origin = match inside {
            Some(address) => Origin { address, certificate: None },
            None => origins.of(request),
        };
        let own = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let request_id = own.filter(|id| is_well_formed(id)).map_or_else(|| new_id(world), ToOwned::to_owned);
        let uri = request.uri();
        let target = uri.path_and_query().map_or_else(|| uri.path(), |whole| whole.as_str());
        let cut = target.char_indices().nth(PATH_MAX).map_or(target.len(), |(at, _)| at);
        Self {
            request_id,
            method: known_method(request.method()).to_owned(),
            target: target[..cut].to_owned(),
            path: uri.path().chars().take(PATH_MAX).collect(),
            route: request.match_pattern().unwrap_or_else(|| UNMATCHED.to_owned()),
            address: origin.address,
            certificate: origin.certificate,
            wants_nonce: AtomicBool::new(false),
            caller: OnceLock::new(),
            standing: Mutex::new(None),
            units: AtomicU32::new(0),
            is_inside: inside.is_some(),
            counted: request.app_data::<Uncounted>().is_none(),
            slot: Mutex::new(None),
        }
    }

    /// Whether it is a probe: those come often, from one address, and are answered under any load.
    pub(super) fn is_probe(&self) -> bool {
        ["/health/live", "/health/ready"].contains(&self.path.as_str())
    }

    /// Whether the portal makes it: the page that it is for has passed the limits of slots and addresses.
    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Takes a slot, unless it came by a listener whose requests are not counted.
    pub(super) fn enter(&self, load: &Load) -> Result<(), Problem> {
        if self.counted {
            self.hold(Some(load.enter()?));
        }
        Ok(())
    }

    /// Keeps a slot for as long as this request is at work; none gives it back.
    pub(super) fn hold(&self, slot: Option<Slot>) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = slot;
    }

    /// Notes who calls, and whose log that concerns.
    pub(super) fn know(&self, caller: Caller, log: Tenant) {
        // A request has one caller; the first one found stays.
        let _ = self.caller.set((caller, log));
    }

    /// Who calls, once a token has shown it, and whose log that concerns.
    pub fn known(&self) -> Option<&(Caller, Tenant)> {
        self.caller.get()
    }

    /// Has the answer carry a nonce for the next DPoP proof.
    pub fn want_nonce(&self) {
        self.wants_nonce.store(true, Ordering::Relaxed);
    }

    pub(super) fn wants_nonce(&self) -> bool {
        self.wants_nonce.load(Ordering::Relaxed)
    }

    pub(super) fn stand(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    /// Notes the units that it spent of its caller's limits.
    pub(super) fn spend(&self, units: u32) {
        self.units.store(units, Ordering::Relaxed);
    }

    /// The units that it spent of its caller's limits.
    pub(super) fn spent(&self) -> u32 {
        self.units.load(Ordering::Relaxed)
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A method's name, if it is one of HTTP's own: others can be of any length.
fn known_method(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.as_str() } else { "other" }
}

fn is_well_formed(id: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn new_id(world: &dyn World) -> String {
    let (ms, random) = id_parts(world);
    format!("req_{}", uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().simple())
}
