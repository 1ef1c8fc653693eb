//! Entries whose attributes are nested deeper than they could be read back.

use idsync_core::{Group, HeldRecord, User};

/// Lists and objects in one another that an attribute may have. Readers of JSON commonly give up at 128, `serde_json` among them, and a
/// change set puts some of its own around an attribute.
const MOST: usize = 64;

/// An entry with attributes.
pub(crate) trait Nested {
    fn id(&self) -> &str;
    fn depth(&self) -> usize;
}

impl Nested for User {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn depth(&self) -> usize {
        self.attributes.depth().max(self.extra.depth())
    }
}

impl Nested for Group {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn depth(&self) -> usize {
        self.attributes.depth().max(self.extra.depth())
    }
}

/// Whether an entry can be taken.
pub(crate) fn check(entry: &impl Nested) -> Result<(), HeldRecord> {
    if entry.depth() <= MOST {
        return Ok(());
    }
    let reason = format!("an attribute has more than {MOST} lists or objects in one another");
    Err(HeldRecord::new(Some(entry.id().to_owned()), reason))
}

/// Takes the entries that cannot be taken out of a page.
pub(crate) fn hold_deep<T: Nested>(items: &mut Vec<T>, held: &mut Vec<HeldRecord>) {
    items.retain(|item| check(item).map_err(|found| held.push(found)).is_ok());
}
