//! Passing over JSON without building anything of it: strict, never recursive, and no deeper than an answer may nest.

use super::MAX_DEPTH;

/// A place in a JSON text. Where the text is not what a method takes, it answers `None`, and the place means nothing any more.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that comes next, white space apart.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Takes this byte.
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        self.has(byte).then_some(())
    }

    /// Takes this byte if it comes next.
    pub(super) fn has(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Whether nothing is left but white space.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Takes a text that holds no escapes. Whether it is UTF-8 is for the caller to see.
    pub(super) fn plain_text(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at;
        self.find_special()?;
        (self.text[self.at] == b'"').then(|| {
            self.at += 1;
            &self.text[start..self.at - 1]
        })
    }

    /// Passes over any value that begins at this depth.
    pub(super) fn skip_value(&mut self, depth: usize) -> Option<()> {
        // One bit for each bracket that is open, the innermost one last: set for an object.
        let (mut objects, mut open) = (0_u64, 0_usize);
        let room = MAX_DEPTH.checked_sub(depth)?;
        loop {
            match self.peek()? {
                b'"' => self.skip_text()?,
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = bracket == b'{';
                    if open == room {
                        return None;
                    }
                    if !self.has(if is_object { b'}' } else { b']' }) {
                        open += 1;
                        objects = objects << 1 | u64::from(is_object);
                        if is_object {
                            self.skip_name()?;
                        }
                        continue;
                    }
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.skip_number()?,
            }
            // A value is over: either another one follows, or brackets close.
            loop {
                if open == 0 {
                    return Some(());
                }
                let (byte, in_object) = (self.peek()?, objects & 1 == 1);
                self.at += 1;
                match byte {
                    b',' if in_object => {
                        self.skip_name()?;
                        break;
                    }
                    b',' => break,
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return None,
                }
                open -= 1;
                objects >>= 1;
            }
        }
    }

    fn skip_name(&mut self) -> Option<()> {
        self.peek()?;
        self.skip_text()?;
        self.take(b':')
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn skip_text(&mut self) -> Option<()> {
        if self.text[self.at] != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            self.find_special()?;
            match self.text[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.skip_escape()?,
                _ => return None,
            }
        }
    }

    fn skip_escape(&mut self) -> Option<()> {
        let length = match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if self.text.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn find_special(&mut self) -> Option<()> {
        self.at = special_from(self.text, self.at)?;
        Some(())
    }

    fn skip_number(&mut self) -> Option<()> {
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        match self.text.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }
}

/// Where, from here on, the next byte is that ends a text, begins an escape, or must not be in a text.
pub(super) fn special_from(text: &[u8], mut at: usize) -> Option<usize> {
    // Two words at once, for most texts are longer than one, and a loop whose end cannot be foretold is what takes time.
    while let Some((sixteen, _)) = text.get(at..)?.split_first_chunk::<16>() {
        let bytes = u128::from_le_bytes(*sixteen);
        let special = u128::from(special(bytes as u64)) | u128::from(special((bytes >> 64) as u64)) << 64;
        if special != 0 {
            return Some(at + special.trailing_zeros() as usize / 8);
        }
        at += 16;
    }
    let rest = text[at..].iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
    Some(at + rest)
}

/// The top bits of the bytes that are a quote, a backslash or a control character; nothing is sure above the lowest one.
const fn special(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let (quotes, escapes) = (bytes ^ (ONES * b'"' as u64), bytes ^ (ONES * b'\\' as u64));
    let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    (quotes.wrapping_sub(ONES) & !quotes | escapes.wrapping_sub(ONES) & !escapes | controls) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, any, proptest};
    use serde::de::IgnoredAny;

    fn is_skipped(text: &[u8]) -> bool {
        let mut scan = Scan::new(text);
        scan.skip_value(0).is_some() && scan.is_over()
    }

    #[test]
    fn what_is_json_is_passed_over_and_nothing_else() {
        for json in
            ["0", "-0.5e+10", " [ ] ", "{}", r#"{"a":[{},[],{"b":"\"\\\u12aF]"}],"c":null}"#, "[true,false,1E2]", r#""a longer text: ü""#]
        {
            assert!(is_skipped(json.as_bytes()), "{json}");
        }
        for other in [
            "",
            "01",
            "-",
            "1.",
            "1e",
            ".5",
            "+1",
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "{1:2}",
            "[}",
            "{]",
            "[1 2]",
            "nul",
            "tru",
            r#""\x""#,
            r#""\u12g4""#,
            r#""open"#,
            "\"a\nb\"",
            "[] []",
            r#"{"a":1 "b":2}"#,
            "]",
            "\u{feff}1",
        ] {
            assert!(!is_skipped(other.as_bytes()), "{other}");
            assert!(serde_json::from_str::<IgnoredAny>(other).is_err(), "{other}");
        }
    }

    #[test]
    fn nothing_is_passed_over_that_nests_deeper_than_an_answer_may() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_skipped(nested(MAX_DEPTH).as_bytes()));
        assert!(!is_skipped(nested(MAX_DEPTH + 1).as_bytes()));
        assert!(!is_skipped(nested(1_000_000).as_bytes()));
        let mut scan = Scan::new(b"[[]]");
        assert_eq!(scan.skip_value(MAX_DEPTH - 1), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_parser_agrees(text in "[\\[\\]{}:,\"a-e0-9truefalsnul.+ \\\\-]{0,40}", bytes in any::<Vec<u8>>()) {
            for text in [text.as_bytes(), &bytes] {
                assert_eq!(is_skipped(text), serde_json::from_slice::<IgnoredAny>(text).is_ok(), "{}", String::from_utf8_lossy(text));
            }
        }

        #[test]
        fn the_end_of_a_text_is_found_wherever_it_is(text in "[ -~]{0,40}", tail in "[ -~\\x00-\\x1f]{0,20}") {
            let json = format!("{}{tail}", serde_json::to_string(&text).unwrap());
            let mut scan = Scan::new(json.as_bytes());
            scan.skip_value(0).unwrap();
            assert_eq!(scan.at, json.len() - tail.len());
        }
    }
}
