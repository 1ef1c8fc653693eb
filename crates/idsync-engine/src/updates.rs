//! Users that differ from the base.

use crate::entries::Slot;
use crate::nesting;
use crate::payload::{self, corrupt};
use crate::record;
use crate::run::RunState;
use idsync_core::{BaseKind, Change, Digest, HeldRecord, Locator, Phase, Result, StagedKey, User};

/// Users whose record in the base was not read yet: many are read at once.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    waiting: Vec<Update>,
    bytes: usize,
}

#[derive(Debug)]
struct Update {
    user: User,
    digest: Digest,
    slot: Slot,
    before: Locator,
}

impl Updates {
    const MOST: usize = 1_000;
    const BYTES: usize = 2 * 1024 * 1024;

    const fn is_full(&self) -> bool {
        self.waiting.len() >= Self::MOST || self.bytes >= Self::BYTES
    }
}

impl RunState {
    /// Takes users as they were read.
    pub(crate) async fn stage_users(&mut self, mut users: Vec<User>) -> Result<()> {
        // All digests before all look-ups: these wait for memory, and then wait for many at once.
        let digests = self.digester.users(&users);
        let slots = self.index.users.find_or_insert_all(users.iter().map(|user| &user.id))?;
        self.index.users.see_each(&slots);
        let (index, mut known, mut touched) = (&mut self.index.users, digests.into_iter().zip(slots), Vec::new());
        // Most are as they were, and stay where they are until they are dropped.
        users.retain(|_| {
            let Some((digest, slot)) = known.next() else { return false };
            let base = index.in_base(slot);
            if base.is_some_and(|base| base.digest == digest) && !index.is_touched(slot) {
                return false;
            }
            if base.is_some() {
                index.set_waiting(slot);
            }
            touched.push((digest, slot, base.map(|base| base.locator)));
            true
        });
        for (user, (digest, slot, before)) in users.into_iter().zip(touched) {
            // Only now, as it takes long: whoever is as in the base was looked at when it was written there.
            if let Err(held) = nesting::check(&user) {
                self.hold_user(slot, held);
            } else if let Some(before) = before {
                self.updates.bytes += user.attributes.as_json().len() + user.extra.as_json().len();
                self.updates.waiting.push(Update { user, digest, slot, before });
            } else {
                self.index.users.set_staged(slot, Some(Phase::CreateUsers));
                self.stager.stage(payload::user_created(&user, digest)).await?;
            }
        }
        if self.updates.is_full() { self.stage_updates().await } else { Ok(()) }
    }

    /// Leaves a user as it is, in the base or as it was read before.
    fn hold_user(&mut self, slot: Slot, held: HeldRecord) {
        let users = &mut self.index.users;
        if users.in_base(slot).is_none() && users.staged(slot).is_none() {
            users.unsee(slot);
        }
        self.evidence.users.records -= 1;
        self.evidence.users.held += 1;
        self.evidence.note("users", &[held]);
    }

    /// Compares the users that wait with their records in the base, field by field, and stages what changed.
    pub(crate) async fn stage_updates(&mut self) -> Result<()> {
        let Updates { waiting, .. } = std::mem::take(&mut self.updates);
        if waiting.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = waiting.iter().map(|update| update.before).collect();
        let before = self.store.records(&self.lease.directory, BaseKind::User, &places).await?;
        for (update, before) in waiting.into_iter().zip(before) {
            let before = before.ok_or_else(|| corrupt("an index without its records"))?;
            self.stage_update(update, &record::to_user(&before.record)?).await?;
        }
        Ok(())
    }

    async fn stage_update(&mut self, update: Update, before: &User) -> Result<()> {
        let Update { user, digest, slot, .. } = update;
        let row = match Change::user_update(before, user) {
            Some(change) if change.phase() == Phase::Deactivate && self.protected.has_user(before) => {
                self.evidence.protected += 1;
                None
            }
            Some(change @ Change::UserUpdated { .. }) => {
                let phase = change.phase();
                let Change::UserUpdated { user, changed } = change else { return Ok(()) };
                Some((phase, payload::user_updated(phase, &user, &changed, digest)?))
            }
            _ => None,
        };
        let earlier = self.index.users.set_staged(slot, row.as_ref().map(|(phase, _)| *phase));
        // An entry that comes twice may have been staged in another phase, or have gone back to what it was.
        if let Some(earlier) = earlier.filter(|earlier| row.as_ref().is_none_or(|(phase, _)| phase != earlier)) {
            self.stager.unstage(vec![StagedKey::new(earlier, before.id.to_string())]).await?;
        }
        match row {
            Some((_, row)) => self.stager.stage(row).await,
            None => Ok(()),
        }
    }
}
