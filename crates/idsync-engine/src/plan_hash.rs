//! The hash of a plan, and of what is held.

use crate::packs::Pack;
use crate::payload;
use idsync_core::{DirectoryId, Phase, PlanHash, Result, StagedRow};

/// What the hash tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covers {
    /// Everything that is done.
    Changes,
    /// What would be removed, or changed into what. Why it would go is not part of it, for nobody was asked about it yet.
    Removals,
}

/// Hashes changes in their order. Memberships of one group are one text, wherever their packs begin and end.
#[derive(Debug)]
pub(crate) struct PlanHasher {
    hasher: blake3::Hasher,
    /// What comes next: many chunks at once are hashed side by side.
    gathered: Vec<u8>,
    covers: Covers,
    group: Option<(Phase, String)>,
}

/// What comes next; ids and reasons begin with other bytes.
const ROW: u8 = 1;
const GROUP: u8 = 2;

impl PlanHasher {
    /// As many bytes as fill the lanes of any machine.
    const ENOUGH: usize = 32 * 1024;

    pub(crate) fn new(context: &str, directory: &DirectoryId, stands_on: &[u8], covers: Covers) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(directory.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(stands_on);
        Self { hasher, gathered: Vec::new(), covers, group: None }
    }

    /// Takes a row, all of it.
    pub(crate) fn add(&mut self, row: &StagedRow) -> Result<()> {
        let gathered = &mut self.gathered;
        match Pack::of(row)? {
            None => {
                self.group = None;
                gathered.push(ROW);
                match self.covers {
                    Covers::Changes => payload::identity(row, |bytes| gathered.extend_from_slice(bytes)),
                    Covers::Removals => payload::held_identity(row, |bytes| gathered.extend_from_slice(bytes)),
                }
            }
            Some(pack) => {
                if self.group.as_ref().is_none_or(|(phase, group)| *phase != pack.phase || group != pack.group) {
                    gathered.extend([GROUP, pack.phase as u8]);
                    gathered.extend_from_slice(&(pack.group.len() as u64).to_le_bytes());
                    gathered.extend_from_slice(pack.group.as_bytes());
                    self.group = Some((pack.phase, pack.group.to_owned()));
                }
                match self.covers {
                    Covers::Changes => gathered.extend_from_slice(pack.items.as_bytes()),
                    Covers::Removals => pack.items().for_each(|item| {
                        gathered.extend_from_slice(item.user().as_bytes());
                        gathered.push(b'\n');
                    }),
                }
            }
        }
        if self.gathered.len() >= Self::ENOUGH {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
        Ok(())
    }

    pub(crate) fn finish(&self) -> PlanHash {
        let (mut hasher, mut hash) = (self.hasher.clone(), [0; 16]);
        hasher.update(&self.gathered);
        hasher.finalize_xof().fill(&mut hash);
        PlanHash::from_bytes(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs;
    use idsync_core::{RemovalReason, UserId};

    fn hash(covers: Covers, rows: impl IntoIterator<Item = StagedRow>) -> PlanHash {
        let mut hasher = PlanHasher::new("test", &DirectoryId::new("d").unwrap(), &[], covers);
        rows.into_iter().for_each(|row| hasher.add(&row).unwrap());
        hasher.finish()
    }

    #[test]
    fn p14_packs_may_be_cut_anywhere_and_their_content_counts() {
        let users: Vec<_> = ["a", "b", "c"].map(|id| UserId::new(id).unwrap()).into();
        let whole = hash(Covers::Changes, packs::added("g", &users));
        assert_eq!(hash(Covers::Changes, packs::added("g", &users[..1]).chain(packs::added("g", &users[1..]))), whole);
        assert_ne!(hash(Covers::Changes, packs::added("g", &users[1..])), whole);
        assert_ne!(hash(Covers::Changes, packs::added("h", &users)), whole);
        let cut = hash(Covers::Changes, packs::added("g", &users[..1]).chain(packs::added("h", &users[1..])));
        assert_ne!(cut, whole);
    }

    #[test]
    fn p04_the_reason_counts_for_a_plan_and_not_for_what_is_held() {
        let leaving = |reason| [(UserId::new("a").unwrap(), reason)];
        let (left, gone) = (leaving(RemovalReason::Left), leaving(RemovalReason::UserDeleted));
        assert_ne!(hash(Covers::Changes, packs::removed("g", &left)), hash(Covers::Changes, packs::removed("g", &gone)));
        assert_eq!(hash(Covers::Removals, packs::removed("g", &left)), hash(Covers::Removals, packs::removed("g", &gone)));
    }
}
