//! How many requests the org takes.

use std::collections::BTreeMap;
use std::time::Duration;

/// Requests that are counted together (recorded: read off the counters of live orgs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Bucket {
    /// `/api/v1/apps/{id}`.
    App,
    /// `/api/v1/apps`, and what belongs to one app: its grants, keys and life cycle. The smallest one.
    Apps,
    /// `/oauth2/v1/clients`, and the roles of clients.
    Clients,
    /// `/api/v1/groups/{id}`.
    Group,
    /// `/api/v1/groups` and the member lists.
    Groups,
    /// `/api/v1/iam`: custom roles and resource sets.
    Iam,
    /// All other paths.
    Other,
    /// `/oauth2/v1/token`.
    Token,
    /// `/api/v1/users/{id}`.
    User,
    /// `/api/v1/users`, and the groups of a user.
    Users,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 10] =
        [Self::App, Self::Apps, Self::Clients, Self::Group, Self::Groups, Self::Iam, Self::Other, Self::Token, Self::User, Self::Users];
}

/// How many requests the org takes from one caller in a window, per bucket, and how many at once from all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    buckets: BTreeMap<Bucket, (u32, Duration)>,
    concurrency: Option<usize>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl RateLimits {
    /// More than any client sends.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { buckets: Bucket::ALL.map(|bucket| (bucket, (1_000_000, MINUTE))).into(), concurrency: None }
    }

    /// What an app gets of an Integrator Free org: half of the published limits (Okta reference, as last published in 2025), and half of
    /// its concurrency.
    #[must_use]
    pub fn integrator() -> Self {
        let limits = [50, 10, 12, 50, 50, 100, 50, 150, 50, 50];
        Self { buckets: per_minute(limits), concurrency: Some(17) }
    }

    /// What an app gets of a Workforce org: half of the published limits, and half of its concurrency.
    #[must_use]
    pub fn workforce() -> Self {
        let limits = [250, 50, 50, 500, 250, 100, 600, 1000, 1000, 300];
        Self { buckets: per_minute(limits), concurrency: Some(37) }
    }

    /// Sets the limit of a bucket: so many requests per window. A window starts with its first request.
    #[must_use]
    pub fn with(mut self, bucket: Bucket, limit: u32, window: Duration) -> Self {
        self.buckets.insert(bucket, (limit, window));
        self
    }

    /// Sets how many requests are served at once; more are refused.
    #[must_use]
    pub fn with_concurrency(mut self, most: usize) -> Self {
        self.concurrency = Some(most);
        self
    }

    pub(super) fn of(&self, bucket: Bucket) -> (u32, Duration) {
        self.buckets.get(&bucket).copied().unwrap_or((u32::MAX, MINUTE))
    }

    pub(crate) fn limit(&self, bucket: Bucket) -> u32 {
        self.of(bucket).0
    }

    pub(crate) fn concurrency(&self) -> Option<usize> {
        self.concurrency
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::unlimited()
    }
}

/// In the order of [`Bucket::ALL`].
fn per_minute(limits: [u32; 10]) -> BTreeMap<Bucket, (u32, Duration)> {
    Bucket::ALL.into_iter().zip(limits).map(|(bucket, limit)| (bucket, (limit, MINUTE))).collect()
}
