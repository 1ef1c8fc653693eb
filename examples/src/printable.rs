//! Texts of others, such as names, as they may be printed.
//!
//! People choose names, and what is printed of them is what somebody approves: none may end a line, move the cursor, or turn around what
//! comes after it.

use std::borrow::Cow;

/// The text with an escape instead of each character that does not show as one: control characters, and those that set the direction.
///
/// ```
/// assert_eq!(idsync_examples::printable::printable("ada\r\u{1b}[2K"), "ada\\r\\u{1b}[2K");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().fold(String::with_capacity(text.len() + 8), |mut shown, char| {
        if is_hidden(char) {
            shown.extend(char.escape_default())
        } else {
            shown.push(char)
        }
        shown
    });
    Cow::Owned(shown)
}

/// Control characters, line and paragraph separators, and marks, embeddings, overrides and isolates of direction (Unicode, UAX 9).
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_stays_and_what_does_not_is_escaped() {
        for text in ["", "Zoë Ångström", "東京 (営業)", "a\u{301}", "👩\u{200d}💻", "ا ب"] {
            assert_eq!(printable(text), text);
        }
        let hidden = ["\0", "\n", "\r", "\t", "\u{1b}", "\u{7f}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{200f}", "\u{2028}"];
        for hidden in hidden {
            let text = format!("a{hidden}b");
            let shown = printable(&text);
            assert!(shown.starts_with("a\\") && shown.ends_with('b') && !shown.contains(is_hidden), "{shown}");
        }
    }
}
