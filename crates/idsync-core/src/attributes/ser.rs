//! Writing attributes in any format.

use super::Attributes;
use super::scan::{self, Elements, Members};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json(self.as_json()).serialize(serializer)
    }
}

/// A value that is written member by member, without being built.
struct Json<'a>(&'a str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Binary formats may have to know beforehand how many there are; for the others they need not be counted.
        let is_counted = !serializer.is_human_readable();
        match self.0.as_bytes().first() {
            Some(b'{') => {
                let mut map = serializer.serialize_map(is_counted.then(|| Members::of(self.0).count()))?;
                Members::of(self.0).try_for_each(|member| map.serialize_entry(&*member.name, &Json(member.value)))?;
                map.end()
            }
            Some(b'[') => {
                let mut elements = serializer.serialize_seq(is_counted.then(|| Elements::of(self.0).count()))?;
                Elements::of(self.0).try_for_each(|element| elements.serialize_element(&Json(element)))?;
                elements.end()
            }
            Some(b'"') => serializer.serialize_str(&scan::text(self.0)),
            _ => scan::value(self.0).serialize(serializer),
        }
    }
}
