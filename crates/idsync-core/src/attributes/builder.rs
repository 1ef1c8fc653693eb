//! Attributes in the making.

use super::de::ValueSeed;
use super::open::Open;
use super::{Attributes, write};
use serde::de::MapAccess;
use serde_json::Value;
use std::fmt;

/// Puts [`Attributes`] together one by one, in any order; of several with one name, the last counts.
///
/// Decoders can hand over what they read with [`AttributesBuilder::take`], and no [`Value`] is built of it.
///
/// ```
/// let mut builder = idsync_core::Attributes::builder();
/// builder.push("floor", 3);
/// builder.push("city", "Rome");
/// assert_eq!(builder.finish().as_json(), r#"{"city":"Rome","floor":3}"#);
/// ```
#[derive(Clone)]
pub struct AttributesBuilder {
    text: String,
    open: Open,
}

/// Room for a usual profile, so that the text does not grow in many small steps.
const ROOM: usize = 256;

impl AttributesBuilder {
    /// No attributes.
    pub const fn new() -> Self {
        Self { text: String::new(), open: Open::NONE }
    }

    /// Adds an attribute.
    pub fn push(&mut self, name: &str, value: impl Into<Value>) {
        self.name(name);
        write::value(&mut self.text, &value.into());
    }

    /// Adds the attribute `name` with the next value of `map`.
    ///
    /// # Errors
    /// Those of `map`; the attributes are as they were before.
    pub fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        self.read(name, map, |_| true)
    }

    /// Adds the attribute `name` with the next value of `map`, unless that is `null`.
    ///
    /// # Errors
    /// Those of `map`; the attributes are as they were before.
    pub fn take_present<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        self.read(name, map, |json| json != "null")
    }

    /// The attributes.
    pub fn finish(self) -> Attributes {
        // The text has a bracket at least once anything was tried to be added.
        Attributes((self.text.len() > 1).then(|| self.open.close_whole(self.text)))
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, keep: impl FnOnce(&str) -> bool) -> Result<(), A::Error> {
        let (open, length) = self.name(name);
        let start = self.text.len();
        let read = map.next_value_seed(ValueSeed(&mut self.text));
        if read.is_err() || !keep(&self.text[start..]) {
            self.text.truncate(length);
            self.open = open;
        }
        read
    }

    /// Writes a name, and returns what to go back to if no value follows.
    fn name(&mut self, name: &str) -> (Open, usize) {
        if self.text.is_empty() {
            self.text.reserve(ROOM);
            self.open = Open::begin(&mut self.text);
        }
        let before = (self.open, self.text.len());
        self.open.name(&mut self.text, name);
        before
    }
}

impl Default for AttributesBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// Values are personal data, so `Debug` shows none.
impl fmt::Debug for AttributesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributesBuilder").finish_non_exhaustive()
    }
}
