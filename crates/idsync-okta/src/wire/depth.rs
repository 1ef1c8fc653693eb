//! How deep an answer nests.

use super::scan::special_from;
use super::{DecodeFault, MAX_DEPTH};

/// Counts brackets outside of texts, before anything is read recursively.
pub(super) fn check_depth(body: &[u8]) -> Result<(), DecodeFault> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'"' => match text_end(body, at) {
                Some(end) => at = end,
                None => break,
            },
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(DecodeFault::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Where a text ends of which the first quote was before this place.
fn text_end(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = special_from(body, at)?;
        match body[at] {
            b'"' => return Some(at + 1),
            // Whatever is escaped is one byte, or is followed by none that matters here.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_outside_of_texts_count() {
        let nested = |depth: usize, text: &str| format!("{}{text}{}", "[".repeat(depth), "]".repeat(depth));
        for text in ["", r#""[[[[""#, r#""\\\"[[[[""#, r#""\\\\""#, "\"\n[[[[\"", r#""[[[["#] {
            assert_eq!(check_depth(nested(MAX_DEPTH, text).as_bytes()), Ok(()), "{text}");
            assert_eq!(check_depth(nested(MAX_DEPTH + 1, text).as_bytes()), Err(DecodeFault::TooDeep), "{text}");
        }
        assert_eq!(check_depth(nested(MAX_DEPTH, r#""\\"[]"#).as_bytes()), Err(DecodeFault::TooDeep));
    }
}
