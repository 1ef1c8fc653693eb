//! The org: who is in it, what may be read, and by whom.

mod access;
mod api_token;
mod app;
mod data;
mod drift;
mod grant;
mod group;
mod groups;
mod iam;
mod keys;
mod lag;
mod managed;
mod members;
mod quirks;
mod reader;
mod replace;
mod resource;
mod rights;
mod role;
mod share;
mod span;
mod status;
mod truth;
mod truth_apps;
mod user;
mod users;

pub use api_token::NewApiToken;
pub use app::{AppStatus, GroupsWithoutRole, KeyStatus};
pub use lag::Lag;
pub use quirks::{
    AdminApps, Compression, CustomRoles, DeletionInUse, GrantAgain, GrantsByApps, InactiveApps, KeyList, Labels, LifecycleBody, Network,
    Quirks, Statuses,
};
pub use role::Role;
pub use status::{GroupType, Status};
pub use truth::{Counts, Truth, TruthGroup, TruthUser};
pub use truth_apps::{TruthApiToken, TruthApp, TruthCustomRole, TruthGrant, TruthKey, TruthResourceSet, TruthRole};

pub(crate) use access::Access;
pub(crate) use api_token::ApiToken;
pub(crate) use app::{App, AppKey, Client, PRIVATE_KEY_JWT, RoleAssignment};
pub(crate) use data::Data;
pub(crate) use drift::effects;
pub(crate) use grant::Grant;
pub(crate) use group::{Group, GroupCore, Members};
pub(crate) use iam::{Binding, CustomRole, Iam, Member, Permission, ResourceSet, SetResource};
pub(crate) use managed::Managed;
pub(crate) use resource::Resource;
pub(crate) use rights::Rights;
pub(crate) use share::{Share, ShareOf, USUAL_SHARE};
pub(crate) use span::Span;
pub(crate) use user::{User, UserCore, text_member};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::id::{Id, Kind};
use crate::log::Log;
use crate::moment::Moment;
use crate::random::mix;
use crate::rate::Windows;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A handle on the org, through which a test changes it and learns what is in it. Clones are handles on the same org.
///
/// Each change takes effect at once, is stamped with the org's clock, and is seen by the next request, unless a [`Lag`] or a delay was
/// set. The methods never wait for anything but each other.
#[derive(Clone)]
pub struct Org {
    pub(crate) shared: Arc<Shared>,
}

/// Everything that requests and handles share.
pub(crate) struct Shared {
    /// The org's URL, without a slash at the end.
    pub(crate) base: String,
    /// Host and port.
    pub(crate) authority: String,
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    data: RwLock<Data>,
    access: Mutex<Access>,
    windows: Mutex<Windows>,
    numbers: AtomicU64,
}

impl Shared {
    pub(crate) fn new(base: String, seed: u64, data: Data, access: Access, windows: Windows) -> Self {
        Self {
            authority: base.trim_start_matches("http://").to_owned(),
            base,
            seed,
            clock: data.clock.clone(),
            faults: Faults::default(),
            log: Log::default(),
            data: RwLock::new(data),
            access: Mutex::new(access),
            windows: Mutex::new(windows),
            numbers: AtomicU64::new(mix(seed)),
        }
    }

    // Nothing that holds these locks leaves its state half changed, so a panic elsewhere does not spoil them.

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Data> {
        self.data.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Data> {
        self.data.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::from_seconds(self.clock.seconds())
    }

    /// A number that was not given before; for request ids, error ids and the like.
    pub(crate) fn number(&self) -> u64 {
        mix(self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// When the org was founded.
    pub(crate) fn founded(&self) -> Moment {
        crate::data::FOUNDED
    }

    pub(crate) fn org_id(&self) -> Id {
        Id::new(self.seed, Kind::Org, 0)
    }
}

impl Org {
    /// Lets the org's clock run ahead of the machine's, or behind it with a negative number: `Date`, timestamps, token checks and
    /// rate-limit windows follow it.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.shared.clock.set_skew(seconds);
    }
}

impl fmt::Debug for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Org").field("url", &self.shared.base).finish_non_exhaustive()
    }
}
