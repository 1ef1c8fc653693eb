//! The rows in a block of a run.

use super::super::codec::{self, Input, put_bytes, put_key, put_number};
use super::super::damaged;
use crate::error::Problem;
use idsync_core::{BaseKind, Digest};

/// What a row does to the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does<'a> {
    /// There is no row at this position any more.
    Gone,
    /// A row without effect.
    Nothing,
    /// A record, staged already, becomes the one of this row of the base.
    Put {
        kind: BaseKind,
        key: &'a [u8],
        digest: Digest,
        /// Where the record is, and how long: a page of rows ends where it is large enough, before its records are read.
        id: i64,
        length: u64,
    },
    Delete {
        kind: BaseKind,
        key: &'a [u8],
    },
}

const GONE: u8 = 0;
const NOTHING: u8 = 1;
const PUT: u8 = 2;
const DELETE: u8 = 3;
const WHAT: u8 = 0b11;
/// The row of the base has the key of the position.
const SAME_KEY: u8 = 0b100;

/// Adds a row.
pub(super) fn put(block: &mut Vec<u8>, before: &[u8], key: &[u8], does: &Does<'_>, payload: &[u8]) {
    put_key(block, before, key);
    let same = |of: &[u8]| if of == key { SAME_KEY } else { 0 };
    let effect = |block: &mut Vec<u8>, what, kind: BaseKind, of: &[u8]| {
        block.extend([what | same(of), kind as u8]);
        if of != key {
            put_bytes(block, of);
        }
    };
    match does {
        Does::Gone => block.push(GONE),
        Does::Nothing => block.push(NOTHING),
        Does::Put { kind, key, digest, id, length } => {
            effect(block, PUT, *kind, key);
            block.extend_from_slice(&digest.0);
            put_number(block, id.cast_unsigned());
            put_number(block, *length);
        }
        Does::Delete { kind, key } => effect(block, DELETE, *kind, key),
    }
    put_bytes(block, payload);
}

/// Whether what follows the key of a row says that it is gone.
pub(super) fn is_gone(rest: &[u8]) -> bool {
    rest.first().is_some_and(|flags| flags & WHAT == GONE)
}

/// Reads what follows the key of a row: its effect and its payload.
pub(super) fn rest<'a>(input: &mut Input<'a>, key: &'a [u8]) -> Result<(Does<'a>, &'a [u8]), Problem> {
    let flags = input.byte()?;
    let mut effect = || -> Result<_, Problem> {
        let kind = codec::kind(input.byte()?)?;
        Ok((kind, if flags & SAME_KEY == 0 { input.bytes()? } else { key }))
    };
    let does = match flags & WHAT {
        GONE => Does::Gone,
        NOTHING => Does::Nothing,
        PUT => {
            let (kind, key) = effect()?;
            Does::Put { kind, key, digest: input.digest()?, id: input.id()?, length: input.number()? }
        }
        DELETE => {
            let (kind, key) = effect()?;
            Does::Delete { kind, key }
        }
        _ => return Err(damaged("an effect of an unknown kind")),
    };
    Ok((does, input.bytes()?))
}
