//! The emulator from outside: over HTTP, with a client that signs for itself.

mod answers;
mod control;
mod faulty_answers;
mod faulty_pages;
mod lag;
mod limits;
mod org;
mod paging;
mod program;
mod proofs;
mod reading;
mod refusals;
mod replace;
mod search;
mod signing;
mod support;
mod tokens;
