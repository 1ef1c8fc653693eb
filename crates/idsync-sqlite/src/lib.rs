//! State store and sink for idsync in one SQLite file.
//!
//! ```
//! # futures::executor::block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("acme.db");
//! use idsync_sqlite::SqliteFile;
//!
//! let file = SqliteFile::open(&path).await?;
//! let (store, sink) = (file.store(), file.sink());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # The tables that are yours to query
//!
//! | Table | Columns |
//! |---|---|
//! | `users` | `id`, `login`, `status` (as the provider spells it), `lifecycle` (`active`, `pending`, `suspended`, `deprovisioned`), `attributes` (JSON), `extra` (JSON), `created`, `updated` (RFC 3339, as of the last change), and, taken from the attributes: `email`, `first_name`, `last_name`, `display_name` |
//! | `groups` | `id`, `name`, `kind` (`native`, `imported`, `built_in` or the provider's word), `description` (from the attributes), `attributes`, `extra`, `created`, `updated` |
//! | `memberships` | `group_id`, `user_id`; both refer to the tables above |
//! | `changes` | each change once, in the order in which it was applied: `sequence`, `key` (the idempotency key), `change_set`, `from_revision`, `to_revision`, `read_at`, `kind` (such as `user.updated`), `user_id`, `group_id`, `reason` (of deletions and removals), `changed` (JSON: the fields of an update with `before` and `after`) |
//! | `directory` | one row: the `id` of the directory that this file belongs to |
//!
//! An index leads from users to their memberships. A first load leaves it out, for it would cost more than everything else, and
//! the first run that delivers to its end makes it; until then, what asks for the memberships of a user reads all of them.
//!
//! `changes` grows with every change, and nothing here trims it: what a run added may be deleted once that run has ended.
//!
//! Anything else (`idsync_…`) is the state store's own and changes without notice. Read while a sync runs; write only to tables of your
//! own. Foreign keys are enforced on the connections of this crate. A reader needs SQLite 3.38 or later and the right to read the file,
//! which is its maker's alone at first; and, while nobody has it open for writing, the right to write to its folder, for SQLite makes files
//! beside it. A reader in the same process opens it with SQLite and not as a file, see [`SqliteFile::open`].
//!
//! # Durability
//!
//! The file is in WAL mode with `synchronous=FULL`: what was acknowledged survives a crash of the process and of the machine. A batch of
//! changes and its entries in `changes` commit in one transaction, and a change whose key is in `changes` already is not
//! applied again: each change happens exactly once. While a run holds a directory, `FILE.lock` is locked, which keeps other processes
//! from all directories in the file; the lock dies with the process, so a killed run never blocks the next one.
//!
//! State and tables belong together, be they in one file or in two. Where a state is restored from a backup, the next run applies what
//! happened since then once more, and leaves the tables as the directory is. A state that is begun anew beside tables that are kept does not
//! know what they hold: what left the directory meanwhile stays in them. Begin both anew.
//!
//! # How the state is kept
//!
//! The state store writes little more than the bytes that it is given. Records are appended and named by number (`idsync_records`); keys
//! and digests stand beside them in sorted blocks of a page each (`idsync_index`), so that an index is read without the records. Staged
//! rows are written as sorted runs (`idsync_staged`) and merged while they are read; what is not to be applied is in `idsync_marks`. A
//! commit writes the blocks of the index that change and takes the staged records over where they are. Blocks
//! and pages are all that is held: 1,000,000 rows of the state were loaded, and 3,000,000 memberships delivered, in less than 40 MiB.
//!
//! The schema is versioned. A file of a newer version, of another program or of another directory is refused, never emptied.

mod error;
mod file;
mod lock;
mod moment;
mod order;
mod schema;
mod sink;
mod state;
mod store;
mod worker;

pub use file::SqliteFile;
pub use sink::SqliteSink;
pub use store::SqliteStore;
