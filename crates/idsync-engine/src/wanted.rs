//! What would change if nothing were held, by what limits count.

use crate::confirm::Fates;
use crate::packs::{Item, Pack};
use crate::payload;
use crate::recent::Counted;
use crate::run::RunState;
use crate::{Limit, Safeguards};
use futures::TryStreamExt;
use idsync_core::{ChangeKind, Detail, FieldChange, GroupId, Phase, RemovalReason, Result, StagedRow, StateStore};
use memchr::memmem;

/// What would change, by what limits count.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) counted: Counted,
    /// Memberships that end, those of deleted users included.
    pub(crate) ending: u64,
    /// Members that leave groups which stay.
    pub(crate) in_groups: Vec<(GroupId, u64)>,
}

impl RunState {
    pub(crate) async fn wanted(&self, fates: &Fates, limits: &Safeguards) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        if limits.are_off_for_plans() {
            return Ok(wanted);
        }
        let creates_all = self.index.users.base_size() + self.index.groups.base_size() == 0;
        let last = if (creates_all || limits.creations == Limit::Unlimited) && limits.updates == Limit::Unlimited {
            // What comes later has no limit of its own.
            Phase::UpdateUsers
        } else {
            Phase::AddMembers
        };
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Digests);
        'pages: while let Some(rows) = pages.try_next().await? {
            for row in rows {
                if row.position.phase > last {
                    break 'pages;
                }
                match Pack::of(&row)? {
                    Some(pack) if pack.phase == Phase::AddMembers => {
                        wanted.counted.added_memberships += pack.items().filter(|item| self.has_both_ends(item)).count() as u64;
                    }
                    Some(pack) => wanted.add_removals(&pack, fates)?,
                    None => wanted.counted.count(&row, fates)?,
                }
            }
        }
        Ok(wanted)
    }

    /// A membership begins once both of its ends are there.
    pub(crate) fn has_both_ends(&self, item: &Item<'_>) -> bool {
        self.index.groups.is_present_text(item.group) && self.index.users.is_present_text(item.user())
    }
}

impl Wanted {
    fn add_removals(&mut self, pack: &Pack<'_>, fates: &Fates) -> Result<()> {
        let (mut leaving, mut of_group) = (0, 0);
        for item in pack.items() {
            if is_held_with_an_end(&item, fates)? {
                continue;
            }
            self.ending += 1;
            let counts = u64::from(item.reason() != RemovalReason::UserDeleted);
            leaving += counts;
            of_group += counts * u64::from(item.reason() != RemovalReason::GroupDeleted);
        }
        self.counted.memberships += leaving;
        if of_group > 0 {
            // Packs come group by group.
            match self.in_groups.last_mut().filter(|(group, _)| group.as_str() == pack.group) {
                Some((_, leaving)) => *leaving += of_group,
                None => self.in_groups.push((pack.group_id()?, of_group)),
            }
        }
        Ok(())
    }
}

impl Counted {
    /// Counts what a row changes, all of it.
    pub(crate) fn count(&mut self, row: &StagedRow, fates: &Fates) -> Result<()> {
        match row.position.phase {
            Phase::Deactivate => {
                self.deactivations += 1;
                self.logins += u64::from(changes_login(row)?);
            }
            Phase::UpdateUsers => {
                self.updated_users += 1;
                self.logins += u64::from(changes_login(row)?);
            }
            Phase::RemoveMembers => {
                for item in Pack::of(row)?.into_iter().flat_map(|pack| pack.items()) {
                    self.memberships += u64::from(counts_as_removal(&item, fates)?);
                }
            }
            Phase::CreateUsers => self.created_users += 1,
            Phase::PutGroups if payload::kind(row)? == ChangeKind::GroupCreated => self.created_groups += 1,
            Phase::PutGroups => self.updated_groups += 1,
            Phase::AddMembers => self.added_memberships += Pack::of(row)?.map_or(0, |pack| pack.len()),
            Phase::DeleteUsers => self.users += 1,
            Phase::DeleteGroups => self.groups += 1,
            _ => {}
        }
        Ok(())
    }
}

/// Memberships of deleted users count as users, and those of entries that are held as a whole are held with them.
fn counts_as_removal(item: &Item<'_>, fates: &Fates) -> Result<bool> {
    if item.reason() == RemovalReason::UserDeleted {
        return Ok(false);
    }
    Ok(!is_held_with_an_end(item, fates)?)
}

/// Whether the membership goes with a user or a group of which more vanished than may.
pub(crate) fn is_held_with_an_end(item: &Item<'_>, fates: &Fates) -> Result<bool> {
    Ok((fates.users_over.is_some() && fates.users.contains_key(&item.user_id()?))
        || (fates.groups_over.is_some() && fates.groups.contains_key(&item.group_id()?)))
}

/// Whether a row changes the login of somebody who had one.
pub(crate) fn changes_login(row: &StagedRow) -> Result<bool> {
    // Few rows name it anywhere, and the others need not be read.
    if memmem::find(&row.payload, FieldChange::LOGIN.as_bytes()).is_none() {
        return Ok(false);
    }
    let changed: Vec<FieldChange> = payload::changed_fields(row)?;
    Ok(changed.iter().any(|change| change.field == FieldChange::LOGIN && change.before.is_some()))
}
