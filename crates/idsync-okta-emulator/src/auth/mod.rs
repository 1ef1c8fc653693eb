//! Who asks: client assertions, proofs of possession, access tokens and API tokens.

mod assertion;
mod bearer;
mod dpop;
mod endpoint;
mod jws;
mod key_pair;
mod public_key;
mod refusal;
mod token;

pub use dpop::Dpop;
pub use key_pair::{KeyKind, NewKey};

pub(crate) use bearer::{Caller, Principal, authorize, credential};
pub(crate) use endpoint::{introspect, issue};
pub(crate) use public_key::PublicKey;
pub(crate) use token::Token;
