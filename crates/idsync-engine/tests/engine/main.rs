//! The engine from outside, with providers, stores and sinks in memory.

mod batches;
mod checkpoint;
mod deltas;
mod dry_runs;
mod found_by_simulation;
mod given_back;
mod gone_users;
mod held_in_deltas;
mod held_in_whole_reads;
mod hidden_entries;
mod known_directory;
mod listed_twice;
mod logs;
mod many_members;
mod nested_attributes;
mod promises;
mod refused_and_counted;
mod safeguards;
mod set_aside;
mod support;
