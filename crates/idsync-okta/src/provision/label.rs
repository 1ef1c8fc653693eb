//! The one form in which labels are sent and compared.

/// Without blanks at the ends, and with one where there are several in a row.
///
/// Okta does not say what it makes of those. A label that it keeps in another form than it was asked for would not be found again, and the
/// app be made a second time; of this form there is nothing left to change.
pub(super) fn in_one_form(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What to search for, to find all that begin so, however they are spaced.
pub(super) fn first_word(label: &str) -> &str {
    label.split_whitespace().next().unwrap_or_default()
}
