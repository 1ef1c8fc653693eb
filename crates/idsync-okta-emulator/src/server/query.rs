//! Query strings and forms (URL Standard, section "application/x-www-form-urlencoded").

use std::fmt::{self, Write};

/// Names and values in the order in which they came, decoded.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }
}

/// The names only, for values may be credentials.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Encodes a name or a value; a space becomes `+`, as in Okta's links.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            // Writing to a string cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
        out
    })
}

/// Encodes a path segment.
pub(crate) fn encode_segment(text: &str) -> String {
    encode(text).replace('+', "%20").replace('*', "%2A")
}

/// Decodes a path segment, in which `+` is a plus sign.
pub(crate) fn decode_segment(text: &str) -> String {
    percent(text.as_bytes())
}

fn decode(text: &str) -> String {
    percent(text.replace('+', " ").as_bytes())
}

fn percent(bytes: &[u8]) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at..] {
            [b'%', high, low, ..] if digit(high).is_some() && digit(low).is_some() => {
                out.push(digit(high).unwrap_or_default() << 4 | digit(low).unwrap_or_default());
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_encoding() {
        let text = "status eq \"ÅB+C\" & 100%";
        let query = Query::parse(&format!("limit=2&search={}&x", encode(text)));
        assert_eq!(query.get("search"), Some(text));
        assert_eq!((query.get("limit"), query.get("x"), query.get("y")), (Some("2"), Some(""), None));
        assert_eq!(decode_segment("a%2Fb+c%zz"), "a/b+c%zz");
        assert_eq!(encode_segment("a/ +é"), "a%2F%20%2B%C3%A9");
        assert_eq!(decode_segment(&encode_segment(text)), text);
    }
}
