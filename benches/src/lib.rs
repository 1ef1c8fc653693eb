//! What the benchmarks share: measuring, comparing, and made-up directories.
//!
//! A benchmark here never prints a time alone: it prints how many times its floor something costs, both measured in the same run, in
//! turn, as the median of pairs. The machine may be busy; ratios of pairs bear that.

mod bare;
mod bare_plan;
mod compare;
mod counting;
mod directory;
mod drive;
mod flat;
mod floor;
mod folder;
mod generate;
mod hashing;
mod naive;
mod peak;
mod reading;
mod serve;
mod tables;
mod thread;
mod usage;

pub use bare::{bare_commit, bare_load};
pub use bare_plan::bare_plan;
pub use compare::{Compared, Spent, compare, measure, rounds, thread_cpu};
pub use counting::CountingSink;
pub use directory::{Size, directory, long_group};
pub use drive::{drive, provider};
pub use flat::FileProvider;
pub use floor::{FloorRead, Tally, read_floor};
pub use folder::{copy_folder, empty_folder};
pub use generate::{Data, Rate, Scale, Truth, export_csv};
pub use hashing::read_and_hash;
pub use naive::naive_diff;
pub use peak::{Who, peak, read_if_asked};
pub use reading::{Reading, read_all};
pub use serve::{Conditions, Served, emulated, serve_if_asked};
pub use tables::Tables;
pub use thread::NamedThread;
pub use usage::{Child, Usage, median_usage};
