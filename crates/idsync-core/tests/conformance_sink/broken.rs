//! Sinks that are broken on purpose, each in one way.

use crate::Place;
use async_trait::async_trait;
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeOutcome, Delivery, DirectorySink, Error, ErrorKind, IdempotencyKey, Result, SinkLimits, User,
};
use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// What a sink does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A key is noted before the change is applied, in another step.
    AcknowledgesBeforeApplying,
    /// The batch that came last is kept in memory until the next one comes.
    AcknowledgesBeforeWriting,
    /// An empty batch has an outcome.
    AnswersNothing,
    /// Updates are applied only to the attributes that are there after them.
    DropsNulls,
    /// The last delivery of a batch is left out.
    DropsLast,
    /// A batch with a change that is refused is an error as a whole.
    ErrorForOneRefusal,
    /// What is gone cannot be deleted again.
    FailsOnGone,
    /// Keys are known only as long as the sink is open.
    ForgetsKeysOnOpening,
    /// Nothing is applied, everything acknowledged.
    IgnoresEverything,
    /// More than 100 deliveries are too many, whatever the limits say.
    IgnoresItsLimit,
    /// A change that looks like one that came before is left out.
    KnowsByContent,
    /// A key that came once counts for ever.
    KnowsKeysForEver,
    /// Outcomes come in the opposite order.
    ReversesOutcomes,
    /// A creation of what is there is left out.
    KeepsWhatIsThere,
    /// The limits depend on what was delivered.
    MovesItsLimits,
    /// There is no outcome for the last delivery.
    OneOutcomeShort,
    /// The history shows every delivery.
    RecordsEveryDelivery,
    /// The history forgets what was there before.
    RecordsNoPreviousValues,
    /// A login belongs to whoever had it first.
    ReservesLogins,
    /// A failed run stops at the first refusal; the rest is called applied.
    StopsAtARefusal,
    /// Users cannot be deleted together with a group.
    TakesGroupsForGood,
}

/// A sink with a flaw.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) place: Place,
    pub(crate) flaw: Flaw,
    seen: Mutex<HashSet<IdempotencyKey>>,
    waiting: Mutex<Vec<Delivery>>,
}

impl Broken {
    pub(crate) fn new(place: Place, flaw: Flaw) -> Self {
        Self { place, flaw, seen: Mutex::default(), waiting: Mutex::default() }
    }

    async fn forward(&self, batch: Batch<'_>, deliveries: &[Delivery]) -> Result<Vec<ChangeOutcome>> {
        let outcomes = self.place.sink.apply(Batch::new(batch.run, batch.phase, deliveries)).await?;
        Ok(outcomes.into_iter().collect())
    }

    /// Whether the change is left out.
    fn skips(&self, change: &Change) -> bool {
        let world = self.place.sink.snapshot();
        match (self.flaw, change) {
            (Flaw::IgnoresEverything, _) => true,
            (Flaw::KnowsByContent, change) => {
                let text = serde_json::to_string(change).unwrap();
                !self.place.contents.lock().unwrap().insert(text)
            }
            (Flaw::KeepsWhatIsThere, Change::UserCreated { user }) => world.user(&user.id).is_some(),
            _ => false,
        }
    }

    /// Why the change is refused.
    fn refuses(&self, change: &Change) -> bool {
        let world = self.place.sink.snapshot();
        match (self.flaw, change) {
            (Flaw::FailsOnGone, Change::UserDeleted { user, .. }) => world.user(&user.id).is_none(),
            (Flaw::ReservesLogins, Change::UserCreated { user } | Change::UserUpdated { user, .. }) => self.is_reserved(user),
            (Flaw::TakesGroupsForGood, Change::GroupDeleted { group, .. }) => {
                world.group(&group.id).is_some_and(|group| group.name == "Operations")
            }
            _ => false,
        }
    }

    fn is_reserved(&self, user: &User) -> bool {
        let Some(login) = &user.login else { return false };
        let mut owners = self.place.logins.lock().unwrap();
        owners.entry(login.clone()).or_insert_with(|| user.id.clone()) != &user.id
    }

    fn altered(&self, delivery: &Delivery) -> Delivery {
        let mut altered = delivery.clone();
        if let (Flaw::DropsNulls, Change::UserCreated { user } | Change::UserUpdated { user, .. }) = (self.flaw, &mut altered.change) {
            user.attributes = user.attributes.clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
        }
        altered
    }

    /// Whether this delivery shows in the history.
    fn records(&self, delivery: &Delivery, outcome: &ChangeOutcome) -> bool {
        match self.flaw {
            Flaw::RecordsEveryDelivery => true,
            Flaw::ForgetsKeysOnOpening => self.seen.lock().unwrap().insert(delivery.key),
            _ => matches!(outcome, ChangeOutcome::Applied),
        }
    }

    async fn deliver(&self, batch: Batch<'_>, delivery: &Delivery) -> Result<ChangeOutcome> {
        if self.refuses(&delivery.change) {
            return Ok(ChangeOutcome::Failed(Error::new(ErrorKind::Conflict, "planted")));
        }
        if self.flaw == Flaw::KnowsKeysForEver && !self.place.keys.lock().unwrap().insert(delivery.key) {
            return Ok(ChangeOutcome::Unchanged);
        }
        if self.skips(&delivery.change) {
            return Ok(ChangeOutcome::Applied);
        }
        let outcomes = self.forward(batch, &[self.altered(delivery)]).await?;
        let outcome = outcomes.into_iter().next().unwrap();
        if self.records(delivery, &outcome) {
            self.place.record(delivery, self.flaw == Flaw::RecordsNoPreviousValues);
        }
        Ok(outcome)
    }

    async fn deliver_all(&self, batch: Batch<'_>, deliveries: &[Delivery]) -> Result<Vec<ChangeOutcome>> {
        let mut outcomes = Vec::new();
        for delivery in deliveries {
            outcomes.push(self.deliver(batch, delivery).await?);
            if self.flaw == Flaw::StopsAtARefusal && matches!(outcomes.last(), Some(ChangeOutcome::Failed(_))) {
                break;
            }
        }
        outcomes.resize_with(deliveries.len(), || ChangeOutcome::Applied);
        Ok(outcomes)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.flaw)
    }
}

#[async_trait]
impl DirectorySink for Broken {
    fn limits(&self) -> SinkLimits {
        let used = if self.flaw == Flaw::MovesItsLimits { self.place.sink.history().len() } else { 0 };
        SinkLimits::default().with_max_batch(NonZeroUsize::new(500 - used).unwrap())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let deliveries = batch.deliveries;
        let mut outcomes = match self.flaw {
            Flaw::IgnoresItsLimit if deliveries.len() > 100 => return Err(Error::new(ErrorKind::InvalidData, "too many")),
            Flaw::AcknowledgesBeforeApplying => {
                let fresh: Vec<_> = deliveries.iter().filter(|delivery| self.place.keys.lock().unwrap().insert(delivery.key)).collect();
                pause().await;
                for delivery in fresh {
                    self.deliver(batch, delivery).await?;
                }
                deliveries.iter().map(|_| ChangeOutcome::Applied).collect()
            }
            Flaw::AcknowledgesBeforeWriting => {
                let waiting = std::mem::replace(&mut *self.waiting.lock().unwrap(), deliveries.to_vec());
                self.deliver_all(batch, &waiting).await?;
                deliveries.iter().map(|_| ChangeOutcome::Applied).collect()
            }
            Flaw::AnswersNothing if deliveries.is_empty() => vec![ChangeOutcome::Unchanged],
            Flaw::DropsLast => self.deliver_all(batch, deliveries.split_last().map_or(deliveries, |(_, others)| others)).await?,
            _ => self.deliver_all(batch, deliveries).await?,
        };
        match self.flaw {
            Flaw::DropsLast => outcomes.resize_with(deliveries.len(), || ChangeOutcome::Applied),
            Flaw::OneOutcomeShort => drop(outcomes.pop()),
            Flaw::ReversesOutcomes => outcomes.reverse(),
            Flaw::ErrorForOneRefusal => {
                for outcome in outcomes {
                    if let ChangeOutcome::Failed(error) = outcome {
                        return Err(error);
                    }
                }
                return Ok(deliveries.iter().map(|_| ChangeOutcome::Applied).collect());
            }
            _ => {}
        }
        Ok(outcomes.into_iter().collect())
    }
}

/// Gives way once, as any real sink does.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
