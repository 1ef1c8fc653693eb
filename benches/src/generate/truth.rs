//! What differs between two snapshots, as counts and sums of hashes: whoever finds the same found exactly that.

use idsync::{Attributes, Change, ChangeKind};
use std::fmt;
use std::fs;
use std::path::Path;

/// How many changes of a kind there are, and the sum of their hashes, which does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OfKind {
    pub(crate) count: u64,
    pub(crate) sum: u128,
}

/// Changes, counted and summed up by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth([OfKind; ChangeKind::ALL.len()]);

impl Truth {
    /// Counts one change: the ids that it is about, and what the entry is like afterwards where that is part of the change.
    pub(crate) fn add(&mut self, kind: ChangeKind, parts: &[&str]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_str().as_bytes());
        for part in parts {
            hasher.update(&(part.len() as u32).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        let of_kind = self.of_mut(kind);
        of_kind.count += 1;
        of_kind.sum = of_kind.sum.wrapping_add(u128::from_le_bytes(hash));
    }

    /// Counts a change as the engine tells it. What was there before, and why something ended, is not part of the truth.
    ///
    /// # Panics
    /// There is a new kind of change.
    pub fn change(&mut self, change: &Change) {
        let kind = change.kind();
        match change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } => {
                let login = user.login.as_deref().unwrap_or_default();
                self.add(kind, &[user.id.as_str(), login, user.status.as_str(), &json(&user.attributes)]);
            }
            Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => {
                self.add(kind, &[group.id.as_str(), &group.name, group.kind.as_str(), &json(&group.attributes)]);
            }
            Change::UserDeleted { user, .. } => self.add(kind, &[user.id.as_str()]),
            Change::GroupDeleted { group, .. } => self.add(kind, &[group.id.as_str()]),
            Change::GroupUserAdded { membership } | Change::GroupUserRemoved { membership, .. } => {
                self.add(kind, &[membership.group.as_str(), membership.user.as_str()]);
            }
            _ => panic!("there is no truth about {kind}"),
        }
    }

    /// How many changes of this kind there are.
    pub fn count(&self, kind: ChangeKind) -> u64 {
        ChangeKind::ALL.into_iter().zip(self.0).find(|(of, _)| *of == kind).map_or(0, |(_, found)| found.count)
    }

    /// How many changes there are.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|of_kind| of_kind.count).sum()
    }

    fn of_mut(&mut self, kind: ChangeKind) -> &mut OfKind {
        let place = ChangeKind::ALL.into_iter().position(|of| of == kind);
        place.and_then(|place| self.0.get_mut(place)).expect("there is a place for each kind")
    }

    /// Reads what [`Truth::write`] wrote.
    ///
    /// # Panics
    /// The file is not there, or it is something else.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the truth can be read");
        let mut truth = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let [name, count, sum] = words[..] else { panic!("a line of the truth is three words") };
            let kind = ChangeKind::ALL.into_iter().find(|kind| kind.as_str() == name).expect("the truth names kinds of changes");
            let count = count.parse().expect("the truth counts");
            *truth.of_mut(kind) = OfKind { count, sum: u128::from_str_radix(sum, 16).expect("the truth sums up") };
        }
        truth
    }

    /// Writes a line for each kind: its name, the count, and the sum in hexadecimal.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn write(&self, path: &Path) {
        fs::write(path, self.to_string()).expect("the truth can be written");
    }

    /// Checks what somebody found.
    ///
    /// # Panics
    /// Something else was found.
    pub fn check(&self, found: &Self, who: &str) {
        assert!(self == found, "{who} found something else.\nthe truth:\n{self}found:\n{found}");
    }
}

/// Attributes are canonical as JSON: in the order of their names, without spaces.
fn json(attributes: &Attributes) -> String {
    serde_json::to_string(attributes).expect("attributes can be written as JSON")
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChangeKind::ALL.into_iter().zip(self.0).try_for_each(|(kind, OfKind { count, sum })| writeln!(f, "{kind} {count} {sum:032x}"))
    }
}
