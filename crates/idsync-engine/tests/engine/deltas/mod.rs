//! Runs that read only what changed: what they find, what they leave to full reads, and what they must not believe.

mod doubts;
mod failures;
mod finds;
mod full_reads;
mod source;
mod undelivered;
mod world;
