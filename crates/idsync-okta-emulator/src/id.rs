//! Identifiers in Okta's form: twenty characters of which the first three name the kind.

use crate::random::{digest, mix};
use crate::server::encode_segment;
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const STEP: u64 = 90_001;
/// Lets the ids of a fresh org look like any others.
const FIRST: u64 = 1_873_905_120_117;

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    ApiToken,
    App,
    Binding,
    CustomRole,
    Grant,
    Group,
    Key,
    Org,
    Policy,
    Realm,
    Resource,
    ResourceSet,
    Role,
    Share,
    User,
    UserType,
}

impl Kind {
    fn prefix(self) -> &'static [u8; 3] {
        match self {
            Self::ApiToken => b"00T",
            Self::App => b"0oa",
            Self::Binding => b"irb",
            Self::CustomRole => b"cr0",
            Self::Grant => b"oag",
            Self::Group => b"00g",
            Self::Key => b"pks",
            Self::Org => b"00o",
            Self::Policy => b"rst",
            Self::Realm => b"guo",
            Self::Resource => b"ire",
            Self::ResourceSet => b"iam",
            Self::Role => b"ra1",
            Self::Share => b"prl",
            Self::User => b"00u",
            Self::UserType => b"oty",
        }
    }
}

/// An id. The order of those that were made is that of the indexes they were made from, so that lists sorted by id are lists sorted by
/// age.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(Text);

/// Nearly all ids are made, so that they are kept in place; one that was given may be any text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    Made([u8; 20]),
    Given(Arc<str>),
}

impl Id {
    /// The id of the thing with this index in the org with this seed.
    pub(crate) fn new(seed: u64, kind: Kind, index: u32) -> Self {
        let salt = mix(seed ^ digest(seed, kind.prefix()));
        let noise = mix(salt ^ u64::from(index));
        let mut text = [0; 20];
        text[..3].copy_from_slice(kind.prefix());
        write_digits(&mut text[3..10], FIRST + u64::from(index) * STEP + noise % STEP);
        write_digits(&mut text[10..17], noise >> 24);
        write_digits(&mut text[17..], mix(seed));
        Self(Text::Made(text))
    }

    /// An id that a test chose.
    pub(crate) fn given(text: &str) -> Self {
        Self(Text::Given(text.into()))
    }

    /// The index of whatever has this id, if anything has: the id must still be compared.
    pub(crate) fn index(text: &str) -> Option<u32> {
        let digits = text.as_bytes().get(3..10)?;
        let value = digits.iter().try_fold(0_u64, |sum, digit| Some(sum * 62 + DIGITS.iter().position(|known| known == digit)? as u64))?;
        u32::try_from(value.checked_sub(FIRST)? / STEP).ok()
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            // Only ASCII digits and letters are ever put in.
            Text::Made(text) => std::str::from_utf8(text).unwrap_or_default(),
            Text::Given(text) => text,
        }
    }

    /// The id as it stands between the quotes of a JSON text.
    pub(crate) fn escaped(&self) -> Cow<'_, str> {
        match &self.0 {
            Text::Made(_) => self.as_str().into(),
            Text::Given(text) => {
                let quoted = json!(**text).to_string();
                quoted[1..quoted.len() - 1].to_owned().into()
            }
        }
    }

    /// The id as it stands in the path of a URL.
    pub(crate) fn encoded(&self) -> Cow<'_, str> {
        match &self.0 {
            Text::Made(_) => self.as_str().into(),
            Text::Given(text) => encode_segment(text).into(),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text of `length` letters and digits that stands for `value`.
pub(crate) fn letters(value: u64, length: usize) -> String {
    let mut text = vec![0; length];
    let (mut state, mut rest) = (value, value);
    for place in &mut text {
        if rest < 62 {
            state = mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15));
            rest = state;
        }
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn write_digits(field: &mut [u8], mut value: u64) {
    for place in field.iter_mut().rev() {
        *place = DIGITS[(value % 62) as usize];
        value /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_index_and_lead_back_to_it() {
        let ids: Vec<Id> = (0..5000).map(|index| Id::new(7, Kind::User, index)).collect();
        assert!(ids.is_sorted());
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(Id::index(id.as_str()), Some(index as u32));
            assert!(id.as_str().len() == 20 && id.as_str().starts_with("00u"));
        }
        assert_eq!(Id::index("nobody@example.com"), None);
        assert_eq!(Id::index(Id::new(7, Kind::User, 3_999_999).as_str()), Some(3_999_999));
    }
}
