//! What a run tells while it is under way.

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// Delivering changes.
    Applying,
    /// Looking up what the listings did not show.
    Confirming,
    /// Bringing the base up to date.
    Folding,
    /// Putting the differences in order.
    Planning,
    /// Reading users, groups and members.
    Reading,
}

/// Where a run stands; counts only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What the run is doing.
    pub activity: Activity,
    /// Users read.
    pub users: u64,
    /// Groups read.
    pub groups: u64,
    /// Groups whose members were read.
    pub groups_with_members: u64,
    /// Memberships read.
    pub memberships: u64,
    /// Changes delivered.
    pub delivered: u64,
    /// Changes to deliver, once it is known.
    pub to_deliver: Option<u64>,
}

impl Progress {
    pub(crate) const START: Self =
        Self { activity: Activity::Reading, users: 0, groups: 0, groups_with_members: 0, memberships: 0, delivered: 0, to_deliver: None };
}
