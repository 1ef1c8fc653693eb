//! Open attributes with their JSON types kept.

mod builder;
mod de;
mod differing;
mod open;
mod parse;
mod scan;
mod ser;
mod write;

pub use builder::AttributesBuilder;
pub(crate) use differing::Differing;

use scan::{Member, Members};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Attributes by name, ordered by name, with the JSON type that the provider sent.
///
/// A directory may hold millions of them, and most are only passed on, hashed and compared. So they are kept as the text of one JSON
/// object, [`Attributes::as_json`], and become [`Value`]s when they are asked for, one by one; to look one up is to pass over those
/// before it. To put together many, collect them or use [`Attributes::builder`]: [`Attributes::insert`] writes the text anew.
///
/// `null` is a value like any other and is kept; whether it means the same as "absent" is for the provider to say before it hands the
/// attributes over. `Debug` prints the names only, for values are personal data.
///
/// ```
/// use idsync_core::Attributes;
///
/// let attributes = Attributes::from_iter([("floor", serde_json::json!(3)), ("city", "Rome".into())]);
/// assert_eq!(attributes.as_json(), r#"{"city":"Rome","floor":3}"#);
/// assert_eq!(attributes.text("city").as_deref(), Some("Rome"));
/// assert_eq!(attributes.get("floor"), Some(serde_json::json!(3)));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(
    /// The canonical text; nothing where there are no attributes, which are many and shall take no memory.
    Option<Box<str>>,
);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Puts attributes together one by one.
    pub const fn builder() -> AttributesBuilder {
        AttributesBuilder::new()
    }

    /// The attributes as a JSON object in its canonical form; `{}` when there are none.
    ///
    /// There is one text for the same attributes, and two are equal when their texts are: there is no white space, members are sorted by
    /// name (by the bytes of the name, escapes undone), no name occurs twice, and names and values are written as `serde_json` writes a
    /// [`Value`] whose objects are sorted alike. So this is what to hash, to store, and to put into a column of a database.
    /// (`0.0` and `-0.0` are two values, as they are two texts.)
    ///
    /// The values are personal data.
    #[inline]
    pub fn as_json(&self) -> &str {
        self.0.as_deref().unwrap_or("{}")
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.raw(name).map(scan::value)
    }

    /// The value of `name` as it stands in [`Attributes::as_json`].
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|member| member.value)
    }

    /// The value of `name` if it is a text; borrowed unless something in it is escaped.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.raw(name).filter(|raw| raw.starts_with('"')).map(scan::text)
    }

    /// Whether `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets `name`, and returns what it replaced.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<Value>) -> Option<Value> {
        let (name, json) = (name.as_ref(), self.as_json());
        let (before, replaced, after) = match self.find(name) {
            Ok(member) => (&json[..member.start], Some(scan::value(member.value)), &json[member.end..]),
            Err(place) => (&json[..place], None, &json[place..]),
        };
        let mut text = String::with_capacity(json.len() + name.len() + 32);
        // The new member stands between two commas, save at either end of the object.
        text.push_str(before);
        if !(before.ends_with('{') || before.ends_with(',')) {
            text.push(',');
        }
        write::text(&mut text, name);
        text.push(':');
        write::value(&mut text, &value.into());
        if !(after.starts_with('}') || after.starts_with(',')) {
            text.push(',');
        }
        text.push_str(after);
        self.0 = Some(text.into_boxed_str());
        replaced
    }

    /// Takes `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let removed = self.get(name)?;
        self.retain(|other| other != name);
        Some(removed)
    }

    /// Keeps the attributes whose name `keep` accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let json = self.as_json();
        let (mut kept, mut is_whole) = (String::new(), true);
        for member in self.members() {
            if !keep(&member.name) {
                if is_whole {
                    // What was accepted so far, with the comma after it.
                    kept.reserve_exact(json.len());
                    kept.push_str(&json[..member.start]);
                    is_whole = false;
                }
            } else if !is_whole {
                kept.push_str(&json[member.start..member.end]);
                kept.push(',');
            }
        }
        if !is_whole {
            let is_empty = kept.pop() != Some(',');
            kept.push('}');
            self.0 = (!is_empty).then(|| kept.into_boxed_str());
        }
    }

    /// All attributes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Value)> {
        self.iter_raw().map(|(name, raw)| (name, scan::value(raw)))
    }

    /// All attributes, by name, with their values as they stand in [`Attributes::as_json`].
    pub fn iter_raw(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.members().map(|member| (member.name, member.value))
    }

    /// The names of all attributes, in their order.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.members().map(|member| member.name)
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.members().count()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many lists and objects stand in one another at most: none where all values are plain, one for a list of texts.
    ///
    /// Readers of JSON commonly give up at some 128.
    pub fn depth(&self) -> usize {
        scan::depth(self.as_json()).saturating_sub(1)
    }

    fn members(&self) -> Members<'_> {
        Members::of(self.as_json())
    }

    /// The member of this name, or the place where it would begin.
    fn find(&self, name: &str) -> Result<Member<'_>, usize> {
        let mut place = 1;
        for member in self.members() {
            match (*member.name).cmp(name) {
                std::cmp::Ordering::Less => place = member.end,
                std::cmp::Ordering::Equal => return Ok(member),
                std::cmp::Ordering::Greater => return Err(member.start),
            }
        }
        Err(place)
    }
}

/// A value as [`Attributes::iter_raw`] gives it.
pub(crate) fn parsed(raw: &str) -> Value {
    scan::value(raw)
}

impl<N: AsRef<str>, V: Into<Value>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut builder = Self::builder();
        pairs.into_iter().for_each(|(name, value)| builder.push(name.as_ref(), value));
        builder.finish()
    }
}

impl IntoIterator for Attributes {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().map(|(name, value)| (name.into_owned(), value)).collect::<Vec<_>>().into_iter()
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;
