//! Places in a listing, and the cursors that name them.

use crate::id::{Id, Kind, letters};
use crate::random::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A place between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The index of the row before; `None` at the start.
    pub(crate) after: Option<u32>,
    /// Makes cursors for one place different, which only faults need.
    pub(crate) variant: u64,
}

impl Position {
    pub(crate) const START: Self = Self { after: None, variant: 0 };

    pub(crate) fn after(index: u32) -> Self {
        Self { after: Some(index), variant: 0 }
    }
}

/// The form of a cursor; each kind of list has its own (recorded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A digit and an id: the plain user list.
    Digit,
    /// An id: searches and member lists.
    Id,
    /// Base64, whose padding must survive the way to the client and back.
    Base64,
}

/// Cursors of one listing. A cursor holds a code by which a made-up one, and one of another listing, is found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursors {
    pub(super) form: Form,
    pub(super) kind: Kind,
    pub(super) seed: u64,
    /// Stands for the listing: its path and what selects its rows.
    pub(super) listing: u64,
}

impl Cursors {
    pub(super) fn write(&self, position: Position) -> String {
        let place = position.after.map_or_else(|| "start".to_owned(), |index| Id::new(self.seed, self.kind, index).to_string());
        let digit = if self.form == Form::Digit { "2" } else { "" };
        let variant = if position.variant == 0 { String::new() } else { format!(".{}", position.variant) };
        let place = format!("{digit}{place}{variant}");
        let cursor = format!("{place}_{}", self.code(&place));
        if self.form == Form::Base64 { STANDARD.encode(cursor) } else { cursor }
    }

    /// The place that a cursor names; `None` when it is not one of this listing's.
    pub(super) fn read(&self, cursor: &str) -> Option<Position> {
        let cursor = match self.form {
            Form::Base64 => String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?,
            Form::Digit | Form::Id => cursor.to_owned(),
        };
        let (place, code) = cursor.split_once('_')?;
        if code != self.code(place) {
            return None;
        }
        let (place, variant) = place.split_once('.').unwrap_or((place, "0"));
        let place = if self.form == Form::Digit { place.get(1..)? } else { place };
        let after = if place == "start" { None } else { Some(Id::index(place)?) };
        Some(Position { after, variant: variant.parse().ok()? })
    }

    fn code(&self, place: &str) -> String {
        // Of such a length that Base64 must pad the cursor.
        let length = if self.form == Form::Base64 { 7 } else { 6 };
        letters(digest(self.listing ^ self.seed, place.as_bytes()), length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_listing_only() {
        for form in [Form::Digit, Form::Id, Form::Base64] {
            let cursors = Cursors { form, kind: Kind::User, seed: 7, listing: 1 };
            for position in [Position::START, Position::after(0), Position::after(99), Position { after: Some(3), variant: 8 }] {
                let cursor = cursors.write(position);
                assert_eq!(cursors.read(&cursor), Some(position), "{cursor}");
                assert_eq!(Cursors { listing: 2, ..cursors }.read(&cursor), None);
            }
            for made_up in ["", "abc", "200u1", "start_", "=="] {
                assert_eq!(cursors.read(made_up), None);
            }
        }
    }
}
