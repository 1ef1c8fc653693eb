//! What everything in one simulation shares: randomness, the trace, the source, and what was found wrong.

use crate::notes::Notes;
use crate::random::Random;
use crate::trace::{Keep, Trace};
use crate::world::World;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Oracle {
    /// Once the faults stop, the sink becomes what the source is, within two runs.
    Convergence,
    /// Nothing is taken away that was in the source all the time, and nothing is granted that never was.
    Justification,
    /// Each change is delivered until its outcome is recorded, and never again; entries come and go in turn.
    ExactlyOnce,
    /// Revoke before grant, create before refer, delete last.
    Order,
    /// A read asks for each listing once, and never looks up more than a safeguard would let go.
    BoundedRequests,
    /// What is above a limit stays until somebody approves it.
    Held,
    /// What somebody rejected stays, and nobody is asked about it again.
    Rejected,
    /// Protected entries are neither deleted nor deactivated.
    Protected,
    /// What the sink refused is not tried again before its time.
    EarlyRetry,
    /// What depends on a refused change waits with it.
    Dependants,
    /// A directory that is set aside is left alone, and every failed read counts.
    Patience,
    /// Every run leaves one record, and one in which nothing happened leaves nothing else.
    RunRecords,
    /// A plan is applied exactly as it was hashed, or refused.
    Plan,
    /// Other directories in the same store are left alone.
    Isolation,
    /// No panic, no standstill, no endless loop, and no failure without a cause.
    Progress,
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Convergence => "convergence",
            Self::Justification => "justification",
            Self::ExactlyOnce => "exactly once",
            Self::Order => "order",
            Self::BoundedRequests => "bounded requests",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Protected => "protected",
            Self::EarlyRetry => "early retry",
            Self::Dependants => "dependants",
            Self::Patience => "patience",
            Self::RunRecords => "run records",
            Self::Plan => "plan",
            Self::Isolation => "isolation",
            Self::Progress => "progress",
        })
    }
}

/// What an oracle found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which oracle.
    pub oracle: Oracle,
    /// What it found.
    pub finding: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.oracle, self.finding)
    }
}

/// Shared by everything in one simulation.
#[derive(Debug)]
pub(crate) struct Universe {
    random: Mutex<Random>,
    trace: Mutex<Trace>,
    world: Mutex<World>,
    violation: Mutex<Option<Violation>>,
    pub(crate) notes: Notes,
}

impl Universe {
    pub(crate) fn new(seed: u64, keep: Keep) -> Arc<Self> {
        Arc::new(Self {
            random: Mutex::new(Random::new(seed)),
            trace: Mutex::new(Trace::new(keep)),
            world: Mutex::new(World::new()),
            violation: Mutex::new(None),
            notes: Notes::default(),
        })
    }

    pub(crate) fn random(&self) -> MutexGuard<'_, Random> {
        lock(&self.random)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.random().below(bound)
    }

    pub(crate) fn once_in(&self, of: u64) -> bool {
        self.random().once_in(of)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The version of the source.
    pub(crate) fn version(&self) -> u64 {
        self.world().history.version()
    }

    pub(crate) fn trace(&self) -> MutexGuard<'_, Trace> {
        lock(&self.trace)
    }

    pub(crate) fn note(&self, event: fmt::Arguments<'_>) {
        self.trace().note(event);
    }

    /// An oracle found something; the first finding is the one that is reported.
    pub(crate) fn violate(&self, oracle: Oracle, finding: impl Into<String>) {
        let violation = Violation { oracle, finding: finding.into() };
        self.note(format_args!("!! {violation}"));
        lock(&self.violation).get_or_insert(violation);
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        lock(&self.violation).clone()
    }

    /// Gives way to others a random number of times.
    pub(crate) async fn pause(&self) {
        let turns = match self.below(10) {
            0..4 => 0,
            4..7 => 1,
            7..9 => 2,
            _ => 6,
        };
        Turns(turns).await;
    }
}

struct Turns(u32);

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nothing is left half done by a panic here: what panics is dropped whole, and reported.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
