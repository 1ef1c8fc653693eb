//! Reading attributes from any format, straight into their text.

use super::open::Open;
use super::{Attributes, AttributesBuilder, write};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::fmt;

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AttributesVisitor;

        impl<'de> Visitor<'de> for AttributesVisitor {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut builder = AttributesBuilder::new();
                while let Some(name) = map.next_key_seed(Name)? {
                    builder.take(&name, &mut map)?;
                }
                Ok(builder.finish())
            }
        }

        deserializer.deserialize_map(AttributesVisitor)
    }
}

/// Reads a name, borrowed where that can be.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_string<E>(self, name: String) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name))
    }
}

/// Writes a value at the end of a text, as a [`Value`] of it would be written.
pub(super) struct ValueSeed<'a>(pub(super) &'a mut String);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        write::plain(self.0, value);
        Ok(())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        write::plain(self.0, Number::deserialize(value.into_deserializer())?);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        write::plain(self.0, value);
        Ok(())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<(), E> {
        write::plain(self.0, Number::deserialize(value.into_deserializer())?);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        write::plain(self.0, Value::from(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write::text(self.0, value);
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.0.push('[');
        let start = self.0.len();
        while elements.next_element_seed(ValueSeed(self.0))?.is_some() {
            self.0.push(',');
        }
        if self.0.len() > start {
            self.0.pop();
        }
        self.0.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut name = map.next_key_seed(Name)?;
        if name.as_ref().is_some_and(|name| name.starts_with(PRIVATE)) {
            write::value(self.0, &Value::deserialize(MapAccessDeserializer::new(Replayed { name, map }))?);
            return Ok(());
        }
        let mut open = Open::begin(self.0);
        while let Some(member) = name {
            open.name(self.0, &member);
            map.next_value_seed(ValueSeed(self.0))?;
            name = map.next_key_seed(Name)?;
        }
        open.close(self.0);
        Ok(())
    }
}

/// How names begin under which `serde_json` passes on what no other format has, such as numbers of any size where some crate asked for
/// them. It alone knows what to make of these.
const PRIVATE: &str = "$serde_json::private::";

/// A map of which the first name was read already.
struct Replayed<'de, A> {
    name: Option<Cow<'de, str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replayed<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.name.take() {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
