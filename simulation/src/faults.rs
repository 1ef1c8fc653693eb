//! The faults that a simulation knows, and how often they struck.

use std::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident => $name:literal,)+) => {
        /// Something that goes wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $fault,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$fault,)+];

            /// The fault in a few words.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// The listing of users ends in an error.
    UsersFail => "listing of users fails",
    /// The listing of groups ends in an error.
    GroupsFail => "listing of groups fails",
    /// The listing of some group's members ends in an error.
    MembersFail => "listing of members fails",
    /// Users are missing from the listing, and there when asked for.
    UsersHidden => "users missing from the listing",
    /// Groups are missing from the listing, and there when asked for.
    GroupsHidden => "groups missing from the listing",
    /// Entries come more than once.
    RowsRepeated => "rows repeated",
    /// Pages come empty.
    EmptyPages => "empty pages",
    /// Entries move between pages while they are read, so that some are skipped.
    RowsMoved => "rows moved between pages",
    /// Members are shown as they were a while ago.
    MembersStale => "stale members",
    /// A group that is there is "not found" when its members are asked for.
    GroupUnlisted => "members of a group not found",
    /// Look-ups fail.
    LookupsFail => "look-ups fail",
    /// The identity loses its role while it reads: nothing is shown any more, and nothing is found.
    RoleLost => "role lost while reading",
    /// The directory shows nothing, and says that this is all.
    NothingShown => "nothing shown",
    /// The provider cannot be reached, or says that a permission is missing.
    ProviderDown => "provider refuses or is down",
    /// Users and groups whose record makes no sense, with their id.
    Malformed => "malformed records with an id",
    /// Users and groups whose record makes no sense, without their id.
    MalformedNameless => "malformed records without an id",
    /// Members whose record makes no sense.
    MalformedMembers => "malformed members",
    /// The source changes while it is read.
    SourceMoves => "source moves while it is read",
    /// What is in scope changes.
    ScopeChanged => "scope changed",
    /// More entries are gone than a safeguard lets go.
    MassDeletion => "mass deletion, held",
    /// Removals that were held are approved.
    Approval => "held removals approved",
    /// Removals that were held are rejected.
    Rejection => "held set rejected",
    /// More is created or updated than a safeguard lets pass.
    GrowthHeld => "creations or updates held",
    /// An entry that would go is protected.
    ProtectedSpared => "protected entry spared",
    /// A read that was broken off is gone on with.
    Resumed => "run resumed from a checkpoint",
    /// A change that the sink refused is not tried yet.
    RefusedWaits => "refused change waits",
    /// A directory that could not be read is left alone.
    SetAside => "directory set aside",
    /// Somebody releases what is set aside.
    Released => "what is set aside released",
    /// The members of a group are kept in more than one block.
    SeveralBlocks => "members in several blocks",
    /// The store fails, and did nothing.
    StoreFailsBefore => "store fails before it acts",
    /// The store fails, although it did what it was asked to.
    StoreFailsAfter => "store fails after it acted",
    /// A second engine is at work on the same directory.
    SecondEngine => "second engine is told",
    /// The lease is lost in the middle of a run.
    LeaseLost => "lease lost in the middle",
    /// The sink fails, and did nothing.
    SinkFailsBefore => "sink fails before it acts",
    /// The sink fails, although it did what it was asked to.
    SinkFailsAfter => "sink fails after it acted",
    /// The sink fails in the middle of a batch.
    SinkFailsMidway => "sink fails in the middle of a batch",
    /// The sink refuses single changes.
    SinkRefuses => "sink refuses single changes",
    /// The sink refuses everything about some entries, and so whatever depends on them.
    SinkRefusesEntries => "sink refuses entries and dependants",
    /// The sink cannot begin, or cannot finish.
    SinkRefusesRun => "sink cannot begin or finish",
    /// A plan is dropped at some await.
    CrashInPlan => "crash while planning",
    /// The delivery of a plan is dropped at some await.
    CrashInApply => "crash while applying a plan",
    /// The delivery of a hash is dropped at some await.
    CrashInApplyHash => "crash while applying a hash",
    /// A sync is dropped at some await.
    CrashInSync => "crash while syncing",
    /// The clock goes back.
    ClockBack => "clock goes back",
    /// A long time passes before a run.
    ClockAhead => "clock leaps ahead",
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often faults were drawn for a run, and how often they struck in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    counts: [(u64, u64); Fault::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [(0, 0); Fault::ALL.len()] }
    }
}

impl Tally {
    /// The fault was drawn for a run.
    pub(crate) const fn draw(&mut self, fault: Fault) {
        self.counts[fault as usize].0 += 1;
    }

    /// The fault struck in a run.
    pub(crate) const fn strike(&mut self, fault: Fault) {
        self.counts[fault as usize].1 += 1;
    }

    /// For how many runs the fault was drawn.
    pub const fn drawn(&self, fault: Fault) -> u64 {
        self.counts[fault as usize].0
    }

    /// In how many runs the fault struck.
    pub const fn struck(&self, fault: Fault) -> u64 {
        self.counts[fault as usize].1
    }

    /// How many faults struck, counted once per run.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, struck)| struck).sum()
    }

    /// Adds what another simulation saw.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            sum.0 += count.0;
            sum.1 += count.1;
        }
    }
}

/// A table with a line for each fault.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<38} {:>10} {:>10}", "fault", "drawn", "struck")?;
        for fault in Fault::ALL {
            writeln!(f, "{:<38} {:>10} {:>10}", fault.name(), self.drawn(*fault), self.struck(*fault))?;
        }
        Ok(())
    }
}
