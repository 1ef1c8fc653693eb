//! The streaming diff against hashing alone.
//!
//! Work: a plan of the engine over a directory in memory that was synced before. It reads every page, digests every entry, compares, and
//! stages and orders what differs. Floor: keyed hashing of the same bytes, already laid out, and of the same member ids; nothing is read,
//! compared or kept. The pages' own cost, which belongs to the provider, is printed beside it.

use futures::TryStreamExt;
use futures::executor::block_on;
use idsync::engine::{Limit, Safeguards, SyncEngine};
use idsync::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync::{IdentityProvider, ReadOptions, Snapshot, User};
use idsync_benches::{Size, compare, directory, measure};
use std::hint::black_box;

const SIZES: [Size; 2] = [Size::new(10_000, 500, 100_000), Size::new(40_000, 2_000, 400_000)];

fn main() {
    for size in SIZES {
        let provider = directory(size);
        let snapshot = provider.snapshot();
        let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), MemorySink::new())
            .safeguards(Safeguards::all(Limit::Unlimited))
            .build();
        block_on(engine.sync()).expect("the directory in memory can be synced");
        let rows = laid_out(&snapshot);
        println!("{} users, {} groups, {} memberships", size.users, size.groups, snapshot.memberships().len());

        let plan = || measure(|| block_on(engine.plan()).expect("it can be planned")).1;
        println!("  diff, nothing changed / hashing      {}", compare(plan, || hashing(&rows, &snapshot)));
        println!("  reading the pages alone / hashing    {}", compare(|| reading(&provider), || hashing(&rows, &snapshot)));

        let before: Vec<User> = snapshot.users().step_by(100).cloned().collect();
        before.iter().for_each(|user| provider.put_user(user.clone().with_attribute("title", "Something else")));
        let planned = block_on(engine.plan()).expect("it can be planned").changes.total();
        assert_eq!(planned, before.len() as u64, "the diff finds what was changed, and nothing else");
        let plan = || measure(|| block_on(engine.plan()).expect("it can be planned")).1;
        println!("  diff, 1 % of users changed / hashing {}", compare(plan, || hashing(&rows, &snapshot)));
    }
}

fn laid_out(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    let users = snapshot.users().map(|user| serde_json::to_vec(&(&user.login, &user.status, &user.attributes)));
    let groups = snapshot.groups().map(|group| serde_json::to_vec(&(&group.name, &group.kind, &group.attributes)));
    users.chain(groups).map(|row| row.expect("a record can be written as JSON")).collect()
}

fn hashing(rows: &[Vec<u8>], snapshot: &Snapshot) -> idsync_benches::Spent {
    let key = [7; blake3::KEY_LEN];
    measure(|| {
        rows.iter().for_each(|row| _ = black_box(blake3::keyed_hash(&key, row)));
        snapshot.memberships().for_each(|membership| _ = black_box(blake3::keyed_hash(&key, membership.user.as_str().as_bytes())));
    })
    .1
}

/// Asks for every page and drops it.
fn reading(provider: &MemoryProvider) -> idsync_benches::Spent {
    let read = async {
        let users: Vec<_> = provider.users(ReadOptions::default()).map_ok(|page| page.items.len()).try_collect().await?;
        let mut groups = provider.groups(ReadOptions::default());
        while let Some(page) = groups.try_next().await? {
            for group in page.items {
                let members: Vec<_> =
                    provider.members(&group.id, ReadOptions::default()).map_ok(|page| page.items.len()).try_collect().await?;
                black_box(members);
            }
        }
        black_box(users);
        Ok::<_, idsync::Error>(())
    };
    measure(|| block_on(read).expect("the directory in memory can be read")).1
}
