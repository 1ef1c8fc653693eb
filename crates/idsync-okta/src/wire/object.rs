//! Reading a JSON object member by member, with names known and unknown.

use idsync_core::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Something that takes the members of an object one by one.
pub(super) trait Members<'de>: Default {
    /// Takes the value of the member `name`, and must take exactly one value from `map`.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Deserializes an object into something that takes its members.
pub(super) fn object<'de, T: Members<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut taker = T::default();
            while let Some(Text(name)) = map.next_key()? {
                taker.member(&name, &mut map)?;
            }
            Ok(taker)
        }
    }

    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// A text, borrowed where it holds no escapes.
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// An instant of a member that nobody depends on: whatever is not one counts as absent.
pub(super) fn instant<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Timestamp>, A::Error> {
    map.next_value::<Instant>().map(|instant| instant.0)
}

struct Instant(Option<Timestamp>);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InstantVisitor)
    }
}

/// Most records hold several instants, so nothing is built of them on the way.
struct InstantVisitor;

impl<'de> Visitor<'de> for InstantVisitor {
    type Value = Instant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Instant, E> {
        Ok(Instant(text.parse().ok()))
    }

    fn visit_unit<E>(self) -> Result<Instant, E> {
        Ok(Instant(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Instant, E> {
        Ok(Instant(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Instant, E> {
        Ok(Instant(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Instant, E> {
        Ok(Instant(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Instant, E> {
        Ok(Instant(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Instant, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Instant(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Instant, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Instant(None))
    }
}

/// Passes over a value.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}
