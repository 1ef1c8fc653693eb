//! Reading canonical JSON: no white space, and nothing that is not as it must be, for this crate wrote it.

use crate::words;
use serde_json::{Number, Value};
use std::borrow::Cow;

/// A member of an object, and where in the text of the object it is.
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: &'a str,
    /// Name and value, as they stand in the text.
    pub(super) whole: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The members of an object, in their order.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    /// The members of a whole object.
    pub(super) const fn of(object: &'a str) -> Self {
        Self { text: object, at: 1 }
    }

    /// The next member, which stays the next one.
    pub(super) fn peek(self) -> Option<Member<'a>> {
        { self }.next()
    }

    /// Goes on behind a member of this object.
    pub(super) const fn move_behind(&mut self, member: &Member<'_>) {
        self.at = member.end + 1;
    }

    /// Goes on behind the next member if it is this one of another object; whether it was.
    pub(super) fn pass(&mut self, member: &Member<'_>) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let behind = rest.strip_prefix(member.whole.as_bytes());
        let is_same = behind.is_some_and(|behind| matches!(behind.first(), Some(b',' | b'}')));
        if is_same {
            self.at += member.whole.len() + 1;
        }
        is_same
    }

    /// The members in what stands between the brackets of an object.
    pub(super) const fn within(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let (start, bytes) = (self.at, self.text.as_bytes());
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let (colon, is_plain) = text_end(bytes, start);
        let end = value_end(bytes, colon + 1);
        self.at = end + 1;
        let name = if is_plain { Cow::Borrowed(&self.text[start + 1..colon - 1]) } else { text(&self.text[start..colon]) };
        Some(Member { name, value: &self.text[colon + 1..end], whole: &self.text[start..end], start, end })
    }
}

/// The elements of an array, in their order.
pub(super) struct Elements<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Elements<'a> {
    pub(super) const fn of(array: &'a str) -> Self {
        Self { text: array, at: 1 }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (start, bytes) = (self.at, self.text.as_bytes());
        if matches!(bytes.get(start), None | Some(b']')) {
            return None;
        }
        let end = value_end(bytes, start);
        self.at = end + 1;
        Some(&self.text[start..end])
    }
}

/// The text that a JSON string says.
pub(super) fn text(string: &str) -> Cow<'_, str> {
    let inner = string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    if inner.as_bytes().contains(&b'\\') { Cow::Owned(serde_json::from_str(string).unwrap_or_default()) } else { Cow::Borrowed(inner) }
}

/// The value that a JSON text says. Unlike a parser it has no limit of depth: whatever could be written can be read.
pub(super) fn value(json: &str) -> Value {
    match json.as_bytes().first() {
        Some(b'{') => Members::of(json).map(|member| (member.name.into_owned(), value(member.value))).collect(),
        Some(b'[') => Elements::of(json).map(value).collect(),
        Some(b'"') => Value::String(text(json).into_owned()),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        _ => number(json).map_or(Value::Null, Value::Number),
    }
}

/// The number that a JSON text says, if it says one.
pub(super) fn number(json: &str) -> Option<Number> {
    json.parse().ok()
}

/// Counts brackets that open, those in texts as well, many at once.
fn opening_brackets(bytes: &[u8]) -> usize {
    // The two differ in one bit, and so few fit into a byte.
    const BRACKET: u8 = b'{';
    const BIT: u8 = b'{' ^ b'[';
    let count = |chunk: &[u8]| chunk.iter().fold(0_u8, |count, byte| count + u8::from(byte | BIT == BRACKET));
    bytes.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(count(chunk))).sum()
}

/// How many arrays and objects stand in one another.
pub(super) fn depth(json: &str) -> usize {
    let bytes = json.as_bytes();
    // Most have none but the object itself, and no bracket in a text: they need no second look.
    let most = opening_brackets(bytes);
    if most < 2 {
        return most;
    }
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = text_end(bytes, at).0;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Where a string ends that begins here, and whether nothing in it is escaped.
fn text_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let (mut at, mut is_plain) = (start + 1, true);
    loop {
        at = special_from(bytes, at);
        if bytes.get(at) != Some(&b'\\') {
            return (bytes.len().min(at + 1), is_plain);
        }
        // Whatever is escaped is one byte, or is followed by none that matters here.
        at += 2;
        is_plain = false;
    }
}

/// Where the next quote or backslash is.
fn special_from(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = words::specials(*word);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\')) {
        at += 1;
    }
    at
}

/// Where a value ends that begins here.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = text_end(bytes, at).0;
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b',' | b'}' | b']' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
