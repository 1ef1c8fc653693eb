//! What was delivered, and whether it may have been.

use crate::decisions::Standing;
use crate::history::{Effect, Item, Presence};
use crate::position::{content, position};
use crate::reading::Reading;
use crate::shield::Shield;
use crate::universe::{Oracle, Universe, lock};
use crate::watch::Watch;
use idsync_core::{Batch, Change, Delivery, IdempotencyKey, Membership, Phase, StagedKey, UserId};
use std::collections::{BTreeMap, HashSet};
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
    /// The logins that the sink knows.
    logins: BTreeMap<UserId, Option<String>>,
    applied: HashSet<IdempotencyKey>,
    /// Changes whose outcome a store has recorded.
    settled: HashSet<IdempotencyKey>,
    sessions: BTreeMap<&'static str, Session>,
    changes: u64,
}

/// One delivery from its beginning on.
#[derive(Debug, Default)]
struct Session {
    last: Option<StagedKey>,
    seen: HashSet<Item>,
    unsettled: Vec<(StagedKey, IdempotencyKey)>,
    /// What the sink refused, and nobody has recorded yet.
    refused: BTreeMap<StagedKey, String>,
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

    /// The outcome of what an engine delivered is recorded up to this position. What came after it may come again.
    pub(crate) fn settle(&self, watch: &Watch, through: &StagedKey) {
        let mut books = lock(&self.books);
        let Some(session) = books.sessions.get_mut(watch.name) else { return };
        let settled = session.unsettled.extract_if(.., |(position, _)| *position <= *through).map(|(_, key)| key);
        let settled: Vec<_> = settled.collect();
        let all = std::mem::take(&mut session.refused);
        let (refused, rest): (BTreeMap<_, _>, _) = all.into_iter().partition(|(position, _)| position <= through);
        session.refused = rest;
        books.settled.extend(settled);
        let mut refusals = lock(&self.universe.notes.refusals);
        for (position, content) in refused {
            refusals.refuse(position, content, watch.times().escrow, watch.settings.escrow);
        }
    }

    /// An engine delivers a batch.
    pub(crate) fn deliver(&self, watch: &Watch, batch: Batch<'_>) {
        let reading = self.universe.notes.reading(batch.run.change_set);
        let mut books = lock(&self.books);
        let Books { settled, sessions, present, .. } = &mut *books;
        let session = sessions.entry(watch.name).or_default();
        // An engine that has lost its lease cannot know what another one has recorded; its batch in flight does no harm.
        let knows = !watch.lease_is_lost.load(Ordering::Relaxed);
        for delivery in batch.deliveries {
            let change = &delivery.change;
            if change.phase() != batch.phase {
                self.universe.violate(Oracle::Order, format!("{} came in phase {:?}", describe(change), batch.phase));
            }
            if !Item::of(change).is_none_or(|(item, _)| session.seen.insert(item)) {
                self.universe.violate(Oracle::ExactlyOnce, format!("{} is not the only change of it", describe(change)));
            }
            let position = position(change);
            if session.last.as_ref().is_some_and(|last| *last >= position) {
                self.universe.violate(Oracle::Order, format!("{} came after {:?}", describe(change), session.last));
            }
            if knows && settled.contains(&delivery.key) {
                self.universe.violate(Oracle::ExactlyOnce, format!("{} came again although its outcome was recorded", describe(change)));
            }
            if let Some(reading) = reading.as_ref().filter(|_| knows) {
                self.check_retry(reading, change, &position);
                self.check_dependencies(change, session, present);
            }
            session.last = Some(position.clone());
            session.unsettled.push((position, delivery.key));
        }
    }

    /// What the sink refused waits, unless somebody approved it.
    fn check_retry(&self, reading: &Reading, change: &Change, position: &StagedKey) {
        let Some(start) = reading.start().filter(|_| !reading.is_approved(position)) else { return };
        if let Some(retry_at) = lock(&self.universe.notes.refusals).waits(position, &content(change), start.at) {
            let finding = format!("{} is tried again at {}, and was to wait until {retry_at}", describe(change), start.at);
            self.universe.violate(Oracle::EarlyRetry, finding);
        }
    }

    /// Nothing is added to what the sink refused to create, and nothing is deleted that something refers to which it refused to remove.
    fn check_dependencies(&self, change: &Change, session: &Session, present: &HashSet<Item>) {
        let refusals = lock(&self.universe.notes.refusals);
        let is_refused = |phase: Phase, key: String| {
            let position = StagedKey::new(phase, key);
            refusals.has(&position) || session.refused.contains_key(&position)
        };
        let still_refers = |of: &dyn Fn(&Membership) -> bool| {
            present.iter().any(|item| match item {
                Item::Membership(membership) if of(membership) => {
                    is_refused(Phase::RemoveMembers, format!("{}\0{}", membership.group, membership.user))
                }
                _ => false,
            })
        };
        let waits = match change {
            Change::GroupUserAdded { membership } => {
                let Membership { group, user, .. } = membership;
                (!present.contains(&Item::User(user.clone())) && is_refused(Phase::CreateUsers, user.to_string()))
                    || (!present.contains(&Item::Group(group.clone())) && is_refused(Phase::PutGroups, group.to_string()))
            }
            Change::UserDeleted { user, .. } => still_refers(&|membership| membership.user == user.id),
            Change::GroupDeleted { group, .. } => still_refers(&|membership| membership.group == group.id),
            _ => false,
        };
        if waits {
            self.universe.violate(Oracle::Dependants, format!("{} depends on what the sink refused", describe(change)));
        }
    }

    /// The sink has refused a change.
    pub(crate) fn refuse(&self, watch: &Watch, change: &Change) {
        self.universe.note(format_args!("the sink refuses: {}", describe(change)));
        let mut books = lock(&self.books);
        books.sessions.entry(watch.name).or_default().refused.insert(position(change), content(change));
    }

    /// The sink is as the change wants it.
    pub(crate) fn take(&self, change: &Change) {
        lock(&self.universe.notes.refusals).forget(&position(change));
    }

    /// The sink has applied a change.
    pub(crate) fn apply(&self, watch: &Watch, reading: &Reading, delivery: &Delivery) {
        let change = &delivery.change;
        self.universe.note(format_args!("{} applies: {}", watch.name, describe(change)));
        let Some((item, effect)) = Item::of(change) else { return };
        self.check_justification(reading, &item, effect);
        self.check_limits(reading, change);
        let mut books = lock(&self.books);
        self.check_protection(&watch.settings.shield, change, &books.logins);
        match change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } => {
                books.logins.insert(user.id.clone(), user.login.clone());
            }
            _ => {}
        }
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
        let since = reading.since(item);
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

    /// No more than may go is let go, and what is held stays.
    fn check_limits(&self, reading: &Reading, change: &Change) {
        let now = reading.start().map(|start| start.at);
        if let Some(now) = now.filter(|_| reading.holds(&position(change))) {
            let is_rejected = lock(&self.universe.notes.decisions).standing(&reading.held(), now) == Standing::Rejected;
            let (oracle, word) = if is_rejected { (Oracle::Rejected, "rejected") } else { (Oracle::Held, "held") };
            self.universe.violate(oracle, format!("{} is {word}, and was applied", describe(change)));
        }
        if let Some(finding) = reading.let_go(change) {
            self.universe.violate(Oracle::Held, finding);
        }
    }

    /// Who is protected stays as he is, whoever approved what.
    fn check_protection(&self, shield: &Shield, change: &Change, logins: &BTreeMap<UserId, Option<String>>) {
        let is_protected = |id: &UserId| shield.user(id, logins.get(id).and_then(|login| login.as_deref()));
        let protected = match change {
            Change::UserDeleted { user, .. } => is_protected(&user.id),
            Change::UserUpdated { user, .. } => change.phase() == Phase::Deactivate && is_protected(&user.id),
            Change::GroupDeleted { group, .. } => shield.group(&group.id),
            _ => false,
        };
        if protected {
            self.universe.violate(Oracle::Protected, format!("{} is about a protected entry", describe(change)));
        }
    }
}

/// The change in a few words.
pub(crate) fn describe(change: &Change) -> String {
    let user = change.user().map_or(String::new(), |id| format!(" {id}"));
    let group = change.group().map_or(String::new(), |id| format!(" {id}"));
    format!("{}{group}{user}", change.kind())
}
