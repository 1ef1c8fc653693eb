//! The sync engine of idsync: reads a directory, proves the read, plans and applies the differences.
//!
//! # How a full run goes
//!
//! 1. **Lease.** The directory is taken in the state store; a second engine is told so. A delivery that an earlier run did not finish is
//!    finished first, under the same idempotency keys.
//! 2. **Read.** Users, groups and the members of each group are read side by side, page by page. Every entry is compared with the base
//!    by a keyed content digest; only differences are staged, in the store. Neither the directory nor the differences are held in
//!    memory: what grows with the directory is an index of ids and digests. Now and then the run notes how far it is, so that a later
//!    one can go on with what it has not read yet ([`CheckpointPolicy`]).
//! 3. **Prove.** Nothing is deleted unless every listing ran to its end, and the identity had its scopes and its role before and after.
//!    An empty directory is an error. What vanished is looked up by id before its deletion is planned ([`Evidence`]).
//! 4. **Plan.** The differences get their canonical order and a hash. Removals above a limit are held back until a person decides
//!    ([`Safeguards`], [`HeldSet`]), and what the sink refused a short while ago waits ([`Escrowed`]).
//! 5. **Apply.** Phase by phase, batch by batch: revoke before grant, create before refer, delete last. What the sink refused is recorded
//!    before the next batch goes out, and so is what it took; batches that it takes within 50 ms are recorded together, 64 at most.
//!    What was not recorded when the process died comes again, under the same keys.
//! 6. **Fold.** What was applied becomes the new base, in one transaction with the new revision. What a sink refused stays as it was in
//!    the base, so it comes back with the next difference.
//! 7. **Record.** Each run leaves its record. A directory whose runs keep failing is left alone for a while ([`Quarantine`]).
//!
//! # How a delta goes
//!
//! Where the provider can show what changed ([`Capabilities::has_delta`](idsync_core::Capabilities::has_delta)), most runs ask only for
//! that ([`DeltaPolicy`]):
//!
//! * **Users** that changed since the cursor of the run before. One that the base does not have is looked up by its id, together with its
//!   groups; one that is shown as it was before its last known change is passed over; one that is said to have left is confirmed like one
//!   that vanished from a listing.
//! * **Groups** by one listing, compared with the base like that of a full run: new ones, renamed ones, and those that are gone.
//! * **Members** of the groups whose members changed since they were last read, and of those that were read too soon after a change.
//!
//! Whatever is shown proves that the identity still has its role. Where nothing is shown, or somebody is not found, the role is checked
//! before anything follows from it. What was found goes through the same plan, limits, escrow and delivery as a full run. Where something
//! is held already a delta may see but a few of many changes, so it holds whatever is like them, however few. The cursor moves on with
//! every delta that found something; what could not be settled is looked at again by a full run within the hour. What deltas cannot see is
//! found by the next full run: mainly users who were deleted for good. A base that was changed without the cursor, by a plan that was
//! applied or a run that was killed, is read in full.
//!
//! # Memory
//!
//! What grows with a directory is the index of a run: some 60 bytes for each user and each group (an id of up to 24 bytes, longer ones
//! more; a digest, a place, a slot in a table), and 32 bytes for each block of about 64 members, which is about half a byte for each
//! membership. A group takes some hundreds of bytes more, by which its members are found, queued and noted. The members of groups under
//! way are held until they are compared, a million of them with 24 bytes each ([`SyncEngineBuilder::member_ids`]), the others with 4
//! bytes; another group is not begun while more than 1.5 million are held or expected. Whoever of those is not known as a user yet is
//! entered in the index, where the user will be, too. Members of blocks that differ are held with 40 bytes each, until a thousand such
//! blocks of the base are read at once. At the end, who joined or left a group of the base is held with 24 bytes each, group by group;
//! a new group becomes part of the base in parts of about a hundred thousand members. Everything else is of a fixed size: pages, bundles
//! of at most 4 MiB on their way to the store, batches on their way to the sink, of which there is one at a time.
//! What is found is kept in the store, not in memory; users and groups that vanished are an exception, for they are asked for by id.
//!
//! [`SyncEngine::status`] says where a directory stands, [`SyncEngine::release`] ends what was set aside.
//!
//! ```
//! use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
//! use idsync_engine::SyncEngine;
//! # use idsync_core::{Group, GroupId, User, UserId, UserStatus};
//!
//! # futures::executor::block_on(async {
//! let provider = MemoryProvider::new();
//! # provider.put_user(User::new(UserId::new("00u1")?, UserStatus::Active));
//! # provider.put_group(Group::new(GroupId::new("00g1")?, "Staff"));
//! let engine = SyncEngine::builder(provider, MemoryStore::new(), MemorySink::new()).build();
//! let report = engine.sync().await?;
//! assert_eq!(report.changes.total(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod amend;
mod apply;
mod backoff;
mod blocked;
mod builder;
mod causes;
mod checkpoint;
mod chunked;
mod close;
mod compare;
mod confirm;
mod current;
mod decide;
mod delta;
mod digest;
mod draft;
mod engine;
mod entries;
mod entry_key;
mod error;
mod escrow;
mod evidence;
mod exceeded;
mod fold;
mod groups_held;
mod held;
mod index;
mod lanes;
mod limits;
mod listings;
mod member_read;
mod members;
mod members_read;
mod memo;
mod nesting;
mod note;
mod noting;
mod number;
mod packs;
mod payload;
mod pending;
mod plan;
mod plan_hash;
mod planner;
mod progress;
mod protected;
mod quarantine;
mod queue;
mod read;
mod read_delta;
mod recent;
mod record;
mod recount;
mod refusals;
mod report;
mod resolve;
mod run;
mod schedule;
mod slots;
mod stager;
mod status;
mod steps;
mod touched;
mod updates;
mod upheld;
mod wanted;
mod watch;

pub use backoff::Backoff;
pub use builder::SyncEngineBuilder;
pub use checkpoint::CheckpointPolicy;
pub use delta::DeltaPolicy;
pub use engine::SyncEngine;
pub use error::SyncError;
pub use escrow::Escrowed;
pub use evidence::{Evidence, NotUnderstood, ReadFailure, StreamEvidence};
pub use held::{GroupReach, HeldSet, Standing};
pub use limits::{GroupLimit, InvalidLimit, Limit, Safeguards};
pub use plan::{Plan, PlannedChange};
pub use progress::{Activity, Progress};
pub use protected::Protected;
pub use quarantine::{FailureCause, Quarantine, QuarantinePolicy};
pub use report::{DirectorySize, Held, Mode, Outcome, SyncReport};
pub use status::Status;
