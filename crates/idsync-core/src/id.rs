//! Identifiers: opaque, parsed once, never mixed up.

use crate::words;
use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// The text has no characters.
    #[error("an id must not be empty")]
    Empty,
    /// The text is longer than [`InvalidId::MAX_BYTES`] bytes.
    #[error("an id must not be longer than 512 bytes")]
    TooLong,
    /// The text holds a control character.
    #[error("an id must not hold control characters")]
    ControlCharacter,
}

impl InvalidId {
    /// The longest identifier that is accepted, in bytes.
    pub const MAX_BYTES: usize = 512;

    // Made part of whoever reads members, of which there may be ten for each user.
    #[inline]
    fn check(text: &str) -> Result<(), Self> {
        match text {
            "" => Err(Self::Empty),
            long if long.len() > Self::MAX_BYTES => Err(Self::TooLong),
            // Nearly all ids are, and to see it takes a few steps.
            plain if words::is_printable(plain.as_bytes()) => Ok(()),
            odd if odd.chars().any(char::is_control) => Err(Self::ControlCharacter),
            _ => Ok(()),
        }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Serialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// Accepts any non-empty text of at most [`InvalidId::MAX_BYTES`] bytes without control characters; providers' ids are
            /// opaque, so nothing else is assumed, and nothing is normalised.
            ///
            /// # Errors
            /// [`InvalidId`] says what is wrong with the text.
            #[inline]
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                InvalidId::check(text)?;
                Ok(Self(CompactString::from(text)))
            }

            /// The identifier as the provider spells it.
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        // Millions of ids are compared and sorted; texts in general are compared by a call of the C library, which takes longer.
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                words::are_same(self.0.as_bytes(), other.0.as_bytes())
            }
        }

        impl Eq for $name {}

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                words::compare(self.0.as_bytes(), other.0.as_bytes())
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = CompactString::deserialize(deserializer)?;
                InvalidId::check(&text).map_err(serde::de::Error::custom)?;
                Ok(Self(text))
            }
        }
    };
}

text_id! {
    /// The provider's id of a user. It is the user's identity: a rename keeps it, and it is never reused for another person.
    UserId
}
text_id! {
    /// The provider's id of a group. It is the group's identity; its name is only an attribute.
    GroupId
}
text_id! {
    /// One connection to one org of one provider, such as `okta:00o47wwoytgsDqEtz0g7`. State is kept per directory.
    DirectoryId
}

/// A user or a group, by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntryId {
    /// A group.
    Group(GroupId),
    /// A user.
    User(UserId),
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group {id}"),
            Self::User(id) => write!(f, "user {id}"),
        }
    }
}

/// The generation of a directory's synced state. Generations are numbers, not times: they only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads the lower-case or upper-case hexadecimal form that `Display` prints.
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $bytes];
                if text.len() != 2 * $bytes || !text.is_ascii() {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = CompactString::deserialize(deserializer)?;
                Self::from_hex(&text).ok_or_else(|| {
                    serde::de::Error::custom(concat!("expected ", stringify!($bytes), " bytes in hexadecimal"))
                })
            }
        }
    };
}

hash_id! {
    /// Tells two deliveries of one change from two changes: the same change to the same state always has the same key, and no other
    /// change ever has it.
    IdempotencyKey, 16
}
hash_id! {
    /// What a plan is, in 16 bytes: it covers the canonical change set and the revision that it stands on.
    PlanHash, 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_opaque_but_never_empty_or_unprintable() {
        assert_eq!(UserId::new("00u1/?ü").unwrap().as_str(), "00u1/?ü");
        assert_eq!(UserId::new(""), Err(InvalidId::Empty));
        assert_eq!(GroupId::new("a\nb"), Err(InvalidId::ControlCharacter));
        assert_eq!(GroupId::new("x".repeat(513)), Err(InvalidId::TooLong));
        assert!(serde_json::from_str::<UserId>("\"\"").is_err());
    }

    #[test]
    fn hashes_round_trip_as_hexadecimal() {
        let hash = PlanHash::from_bytes(*b"0123456789abcdef");
        assert_eq!(PlanHash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(PlanHash::from_hex("zz"), None);
    }
}
