//! Directories of measured sizes as files, before and after a measured share of them changed; made once, the same every time.
//!
//! The files hold what a provider would hand over, laid out so that reading them costs as little as can be: that cost is the floor.
//!
//! | File | Content |
//! |---|---|
//! | `users`, `groups` | rows: length (4 bytes), then fields, each after its length (2 bytes): id, login or name, status or kind, then name and value (JSON) of each attribute |
//! | `members` | sections: id of the group (after 1 byte of length), number of members (4 bytes), and the id of each, after 1 byte of length |
//! | `members.index` | for each group: 8 letters of its id, where its section is, how long it is; sorted |
//! | `gone` | ids that were there before and are not here, sorted |
//! | `truth` | for each kind of change, how many there are against what was before, and the sum of their hashes |
//!
//! All numbers are little-endian. No value of an attribute has an escape in it.

pub(crate) mod content;
mod csv;
mod random;
mod scale;
mod truth;
mod world;
mod write;

pub use csv::export_csv;
pub use scale::{Rate, Scale};
pub use truth::Truth;

use std::fs;
use std::path::{Path, PathBuf};
use world::World;

/// Grows with every change of the files or of what is in them.
const VERSION: u32 = 3;
const SEED: u64 = 7;

/// A directory at one moment, in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    folder: PathBuf,
    scale: Scale,
}

impl Data {
    /// The directory before anything changed.
    pub fn before(scale: Scale) -> Self {
        Self::made(scale, "before", |folder| write::before(&World::new(scale.size(), Rate::per_mille(0), SEED), folder))
    }

    /// The directory after so much of it changed.
    pub fn after(scale: Scale, rate: Rate) -> Self {
        let name = format!("after-{}", rate.number());
        Self::made(scale, &name, |folder| write::after(&World::new(scale.size(), rate, SEED), folder))
    }

    /// Finds the folder, or makes it under another name first, so that one that is there is whole.
    fn made(scale: Scale, name: &str, write: impl FnOnce(&Path)) -> Self {
        let folder = root().join(format!("v{VERSION}-{scale}-{SEED}")).join(name);
        if !folder.join("truth").exists() {
            let partial = folder.with_extension("partial");
            let _ = fs::remove_dir_all(&partial);
            fs::create_dir_all(&partial).expect("a folder can be made for the data");
            write(&partial);
            fs::rename(&partial, &folder).expect("the folder of the data can be named");
        }
        Self { folder, scale }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How large it is.
    pub const fn scale(&self) -> Scale {
        self.scale
    }

    /// What differs from before; for the directory before, from nothing at all.
    pub fn truth(&self) -> Truth {
        Truth::read(&self.folder.join("truth"))
    }
}

/// `IDSYNC_BENCH_DATA`, or a folder beside the build.
fn root() -> PathBuf {
    if let Some(root) = std::env::var_os("IDSYNC_BENCH_DATA") {
        return root.into();
    }
    let program = std::env::current_exe().expect("a running program has a path");
    program.ancestors().nth(3).expect("a program is built into folders").join("bench-data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileProvider, Size, naive_diff};
    use futures::executor::block_on;
    use futures::{StreamExt, TryStreamExt};
    use idsync::{ChangeKind, IdentityProvider, Lookup, ReadOptions, UserId};
    use std::collections::HashSet;

    fn data(folder: &Path, rate: u32) -> [Data; 2] {
        let world = World::new(Size::new(3_000, 120, 20_000), Rate::per_mille(rate), SEED);
        ["before", "after"].map(|name| {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).unwrap();
            let write = if name == "before" { write::before } else { write::after };
            write(&world, &folder);
            Data { folder, scale: Scale::S }
        })
    }

    #[test]
    fn the_truth_is_what_differs_between_the_files() {
        for rate in [0, 1, 100] {
            let folder = tempfile::tempdir().unwrap();
            let [before, after] = data(folder.path(), rate);
            after.truth().check(&naive_diff(&before, &after), "the naive diff");
            assert_eq!(after.truth().count(ChangeKind::UserUpdated), Rate::per_mille(rate).of(3_000) as u64);
            assert_eq!(before.truth().total(), 23_120, "all of what is there before was created");
        }
    }

    #[test]
    fn a_provider_shows_the_files_page_by_page() {
        let folder = tempfile::tempdir().unwrap();
        let [before, after] = data(folder.path(), 100);
        let (before, after) = (FileProvider::new(&before), FileProvider::new(&after));
        block_on(async {
            before.check().await.unwrap();
            let users: Vec<_> = before.users(ReadOptions::default()).try_collect().await.unwrap();
            assert_eq!(users.iter().map(|page| page.items.len()).sum::<usize>(), 3_000);
            let group = before.groups(ReadOptions::default()).next().await.unwrap().unwrap().items[0].id.clone();
            let members: Vec<_> = before.members(&group, ReadOptions::default()).try_collect().await.unwrap();
            assert_eq!(members.iter().map(|page| page.items.len()).collect::<Vec<_>>(), [1_000; 3]);
            let left: Vec<_> = after.users(ReadOptions::default()).try_collect().await.unwrap();
            let left: HashSet<_> = left.into_iter().flat_map(|page| page.items).map(|user| user.id).collect();
            let (stayed, gone): (Vec<_>, Vec<_>) = users.into_iter().flat_map(|page| page.items).partition(|user| left.contains(&user.id));
            assert_eq!(gone.len(), 30);
            for user in gone {
                assert_eq!(after.user(&user.id).await.unwrap(), Lookup::NotFound);
            }
            assert!(matches!(after.user(&stayed[70].id).await.unwrap(), Lookup::Found(_)));
            assert_eq!(after.user(&UserId::new("nobody").unwrap()).await.unwrap(), Lookup::NotFound);
        });
    }
}
