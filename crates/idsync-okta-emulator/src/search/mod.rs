//! The languages of `search` and `filter` (Okta reference: SCIM filters).

mod dialect;
mod eval;
mod lexer;
mod parser;

pub(crate) use dialect::Dialect;
pub(crate) use eval::{Record, Value, compare};
pub(crate) use parser::Expression;
