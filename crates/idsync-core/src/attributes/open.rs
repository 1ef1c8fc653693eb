//! Objects that are being written.

use super::scan::{self, Members};
use super::write;

/// An object at the end of a text, which takes members in any order and is canonical once it is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// Where the first member begins.
    start: usize,
    /// Where the name of the last member is, with its quotes.
    last: (usize, usize),
    /// Whether every name was greater than the one before it.
    is_sorted: bool,
}

impl Open {
    /// Nothing yet.
    pub(super) const NONE: Self = Self { start: 0, last: (0, 0), is_sorted: true };

    pub(super) fn begin(out: &mut String) -> Self {
        out.push('{');
        Self { start: out.len(), ..Self::NONE }
    }

    /// Writes the name of a member; the value is for the caller to write.
    pub(super) fn name(&mut self, out: &mut String, name: &str) {
        if out.len() > self.start {
            self.is_sorted = self.is_sorted && *scan::text(&out[self.last.0..self.last.1]) < *name;
            out.push(',');
        }
        let start = out.len();
        write::text(out, name);
        self.last = (start, out.len());
        out.push(':');
    }

    /// Ends the object.
    pub(super) fn close(self, out: &mut String) {
        if !self.is_sorted {
            let mut sorted = String::with_capacity(out.len() - self.start);
            sort(&out[self.start..], &mut sorted);
            out.truncate(self.start);
            out.push_str(&sorted);
        }
        out.push('}');
    }

    /// Ends the object that is all of the text, in no more memory than it needs.
    pub(super) fn close_whole(self, mut out: String) -> Box<str> {
        if self.is_sorted {
            out.push('}');
            return out.into_boxed_str();
        }
        let mut sorted = String::with_capacity(out.len() + 1);
        sorted.push('{');
        sort(&out[self.start..], &mut sorted);
        sorted.push('}');
        sorted.into_boxed_str()
    }
}

/// Writes members by name; of several with one name, the last.
fn sort(members: &str, out: &mut String) {
    let mut sorted: Vec<_> = Members::within(members).collect();
    // Members with one name stay in the order in which they came.
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let is_last = |index: usize| sorted.get(index + 1).is_none_or(|next| next.name != sorted[index].name);
    for (index, member) in sorted.iter().enumerate() {
        if is_last(index) {
            out.push_str(&members[member.start..member.end]);
            out.push(',');
        }
    }
    // There was at least one, and after the last there is no comma.
    out.pop();
}
