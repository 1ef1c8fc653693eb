//! Attributes from JSON that may be canonical already, as it is when this crate wrote it.

use super::Attributes;
use crate::words;
use std::str::FromStr;

/// Reads a JSON object, canonical or not. What is canonical is checked in one pass, and copied.
impl FromStr for Attributes {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, serde_json::Error> {
        if is_plainly_canonical(json.as_bytes()) { Ok(Self((json != "{}").then(|| json.into()))) } else { serde_json::from_str(json) }
    }
}

impl Attributes {
    /// Takes a text that [`Attributes::as_json`] gave, and trusts it: for those who read back what they wrote themselves, millions of
    /// times. Whatever else may be in a text is for [`str::parse`], which takes it as quickly as it can be checked.
    ///
    /// With debug assertions the text is checked all the same. Without them, a text that is not canonical makes attributes that differ
    /// from others which say the same, and looking into them finds nonsense, or panics.
    ///
    /// ```
    /// use idsync_core::Attributes;
    ///
    /// let kept = Attributes::from_iter([("city", "Rome")]).as_json().to_owned();
    /// assert_eq!(Attributes::from_canonical_unchecked(kept).text("city").as_deref(), Some("Rome"));
    /// ```
    pub fn from_canonical_unchecked(json: impl Into<Box<str>> + AsRef<str>) -> Self {
        let text = json.as_ref();
        debug_assert!(text.parse::<Self>().is_ok_and(|checked| checked.as_json() == text), "the text is not canonical");
        Self((text != "{}").then(|| json.into()))
    }
}

/// Whether a text is canonical as it stands. Of what is canonical but uncommon (escapes, fractions, large numbers, lists, objects within)
/// it says that it is not, which only costs time.
fn is_plainly_canonical(json: &[u8]) -> bool {
    if json == b"{}" {
        return true;
    }
    let (mut at, mut before) = (0, None::<&[u8]>);
    loop {
        // Whatever comes before a name: a bracket or a comma.
        let expected = if before.is_none() { b'{' } else { b',' };
        let Some(end) = (json.get(at) == Some(&expected)).then(|| text_end(json, at + 1)).flatten() else { return false };
        let Some(name) = json.get(at + 2..end - 1).filter(|name| before.is_none_or(|before| before < *name)) else { return false };
        before = Some(name);
        let Some(end) = (json.get(end) == Some(&b':')).then(|| value_end(json, end + 1)).flatten() else { return false };
        if json.get(end) == Some(&b'}') {
            return json.len() == end + 1;
        }
        at = end;
    }
}

/// Where a string without escapes ends that begins here.
fn text_end(json: &[u8], start: usize) -> Option<usize> {
    if json.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    while let Some(word) = json.get(at..).and_then(<[u8]>::first_chunk) {
        match words::escapes(*word) {
            0 => at += 8,
            found => {
                at += found.trailing_zeros() as usize / 8;
                return (json.get(at) == Some(&b'"')).then_some(at + 1);
            }
        }
    }
    at += json.get(at..)?.iter().position(|byte| matches!(byte, 0..b' ' | b'"' | b'\\'))?;
    (json.get(at) == Some(&b'"')).then_some(at + 1)
}

/// Where a value ends that begins here, if it is a plain one.
fn value_end(json: &[u8], start: usize) -> Option<usize> {
    let rest = json.get(start..)?;
    let word = |word: &[u8]| rest.starts_with(word).then_some(start + word.len());
    match rest.first()? {
        b'"' => text_end(json, start),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        b'0' => Some(start + 1),
        b'1'..=b'9' => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            // With more than 18 of them it may not fit.
            (digits <= 18).then_some(start + digits)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_canonical_is_not_taken_for_it() {
        let refused = [
            "",
            "{",
            "}",
            "{]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":truer}"#,
            r#"{"a": 1}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":"x}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":[]}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":1234567890123456789}"#,
            r#"{"a":1;"b":2}"#,
        ];
        for json in refused {
            assert!(!is_plainly_canonical(json.as_bytes()), "{json}");
        }
        for json in ["{}", r#"{"":null}"#, r#"{"a":0,"aa":true,"b":"x","ü":"größer als acht Bytes"}"#, r#"{"a":false,"b":120}"#] {
            assert!(is_plainly_canonical(json.as_bytes()), "{json}");
            assert_eq!(json.parse::<Attributes>().unwrap().as_json(), json);
        }
    }

    #[test]
    fn what_is_trusted_is_what_it_was() {
        for json in ["{}", r#"{"a":[1.5,{"b":"\n"}],"c":null}"#] {
            let attributes: Attributes = json.parse().unwrap();
            assert_eq!(Attributes::from_canonical_unchecked(attributes.as_json()), attributes);
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "not canonical")]
    fn what_is_trusted_wrongly_is_found_while_debugging() {
        _ = Attributes::from_canonical_unchecked(r#"{"b":1,"a":1}"#);
    }

    #[test]
    fn one_wrong_byte_anywhere_is_seen() {
        let json = r#"{"a":0,"departments":"Sales, größer als acht Bytes, and more than sixty-four of them together","email":"ana@example.com","floor":120,"remote":true,"x":null}"#;
        assert!(is_plainly_canonical(json.as_bytes()));
        for place in 0..json.len() {
            for byte in *b"\"\\\n{}[]:,0 az~\x7f" {
                let mut spoilt = json.as_bytes().to_vec();
                spoilt[place] = byte;
                let Ok(spoilt) = str::from_utf8(&spoilt) else { continue };
                let plain = serde_json::from_str::<Attributes>(spoilt).ok();
                assert_eq!(spoilt.parse::<Attributes>().ok(), plain, "{spoilt}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_is_read_as_serde_json_reads_it(json in r#"(\{("[ab"\\é]{0,9}":(1|0|true|null|"[a-c\\"é]{0,9}"|"[ -!#-~]{0,40}"|-?[0-9]{1,3}(\.[0-9])?),?){0,9}\}|[{}":,a1]{0,9})"#) {
            let plain = serde_json::from_str::<Attributes>(&json).ok();
            prop_assert_eq!(json.parse::<Attributes>().ok().map(|found| found.as_json().to_owned()), plain.map(|plain| plain.as_json().to_owned()));
        }
    }
}
