//! What was delivered, and whether it may have been.

use crate::history::{Effect, Item, Presence};
use crate::universe::{Oracle, Universe, lock};
use crate::watch::{Reading, Watch};
use idsync_core::{Batch, Change, Delivery, GroupId, IdempotencyKey, Phase, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// The history of one sink, as the deliveries made it.
#[derive(Debug)]
pub(crate) struct Ledger {
    universe: Arc<Universe>,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// What the sink holds.
    present: HashSet<Item>,
    applied: HashSet<IdempotencyKey>,
    /// Changes whose outcome a store has recorded.
    settled: HashSet<IdempotencyKey>,
    sessions: HashMap<&'static str, Session>,
    changes: u64,
}

/// One delivery from its beginning on.
#[derive(Debug, Default)]
struct Session {
    last: Option<(Phase, String)>,
    seen: HashSet<Item>,
    unsettled: Vec<IdempotencyKey>,
}

impl Ledger {
    pub(crate) fn new(universe: &Arc<Universe>) -> Arc<Self> {
        Arc::new(Self { universe: Arc::clone(universe), books: Mutex::default() })
    }

    /// How many changes were applied.
    pub(crate) fn changes(&self) -> u64 {
        lock(&self.books).changes
    }

    /// Whether the sink has applied this delivery before.
    pub(crate) fn has_applied(&self, delivery: &Delivery) -> bool {
        lock(&self.books).applied.contains(&delivery.key)
    }

    /// An engine begins to deliver.
    pub(crate) fn begin(&self, watch: &Watch) {
        lock(&self.books).sessions.insert(watch.name, Session::default());
    }

    /// The outcome of what an engine delivered last is recorded.
    pub(crate) fn settle(&self, watch: &Watch) {
        let mut books = lock(&self.books);
        let unsettled = books.sessions.get_mut(watch.name).map(|session| std::mem::take(&mut session.unsettled));
        books.settled.extend(unsettled.unwrap_or_default());
    }

    /// An engine delivers a batch.
    pub(crate) fn deliver(&self, watch: &Watch, batch: Batch<'_>) {
        let mut books = lock(&self.books);
        let Books { settled, sessions, .. } = &mut *books;
        let session = sessions.entry(watch.name).or_default();
        for delivery in batch.deliveries {
            let change = &delivery.change;
            if change.phase() != batch.phase {
                self.universe.violate(Oracle::Order, format!("{} came in phase {:?}", describe(change), batch.phase));
            }
            let position = position(change);
            if session.last.as_ref().is_some_and(|last| *last >= position) {
                self.universe.violate(Oracle::Order, format!("{} came after {:?}", describe(change), session.last));
            }
            session.last = Some(position);
            if !Item::of(change).is_none_or(|(item, _)| session.seen.insert(item)) {
                self.universe.violate(Oracle::ExactlyOnce, format!("{} is not the only change of it", describe(change)));
            }
            // An engine that has lost its lease cannot know what another one has recorded; its batch in flight does no harm.
            if settled.contains(&delivery.key) && !watch.lease_is_lost.load(Ordering::Relaxed) {
                self.universe.violate(Oracle::ExactlyOnce, format!("{} came again although its outcome was recorded", describe(change)));
            }
            session.unsettled.push(delivery.key);
        }
    }

    /// The sink has applied a change.
    pub(crate) fn apply(&self, watch: &Watch, reading: &Reading, delivery: &Delivery) {
        let change = &delivery.change;
        self.universe.note(format_args!("{} applies: {}", watch.name, describe(change)));
        let Some((item, effect)) = Item::of(change) else { return };
        self.check_justification(reading, &item, effect);
        // Once somebody has approved removals, their number is nobody's business but theirs.
        if let Some(finding) = reading.let_go(change).filter(|_| !self.universe.is_approved()) {
            self.universe.violate(Oracle::Held, finding);
        }
        let mut books = lock(&self.books);
        books.changes += 1;
        if !books.applied.insert(delivery.key) {
            self.universe.violate(Oracle::ExactlyOnce, format!("{} was applied twice under one key", describe(change)));
        }
        let fits = match effect {
            Effect::Appears => books.present.insert(item.clone()),
            Effect::Changes => books.present.contains(&item),
            Effect::Disappears => books.present.remove(&item),
        };
        if !fits {
            self.universe.violate(Oracle::ExactlyOnce, format!("{} does not follow from what came before", describe(change)));
        }
    }

    fn check_justification(&self, reading: &Reading, item: &Item, effect: Effect) {
        let since = if matches!(item, Item::Membership(_)) { reading.oldest() } else { reading.started() };
        let world = self.universe.world();
        let (history, now) = (&world.history, world.history.version());
        let justified = match (effect, item) {
            (Effect::Changes, _) => true,
            (Effect::Disappears, item) => history.was(item, Presence::Absent, since, now),
            // A user that leaves the scope while the read is under way may be seen as a user and as a member at different times.
            (Effect::Appears, Item::Membership(membership)) => {
                history.was(&Item::Listed(membership.clone()), Presence::Present, since, now)
            }
            (Effect::Appears, item) => history.was(item, Presence::Present, since, now),
        };
        drop(world);
        if !justified {
            let finding = match effect {
                Effect::Disappears => format!("{item} was taken away, and was in the source from version {since} to {now}"),
                _ => format!("{item} was granted, and was not in the source from version {since} to {now}"),
            };
            self.universe.violate(Oracle::Justification, finding);
        }
    }
}

/// The change in a few words.
pub(crate) fn describe(change: &Change) -> String {
    let user = change.user().map_or(String::new(), |id| format!(" {id}"));
    let group = change.group().map_or(String::new(), |id| format!(" {id}"));
    format!("{}{group}{user}", change.kind())
}

fn position(change: &Change) -> (Phase, String) {
    let (group, user) = (change.group().map_or("", GroupId::as_str), change.user().map_or("", UserId::as_str));
    (change.phase(), format!("{group}\0{user}"))
}
