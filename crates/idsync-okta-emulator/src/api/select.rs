//! What selects the rows of a listing.

use crate::search::{Dialect, Expression, Record, compare};
use crate::server::{Call, Failure};

/// Which rows a listing has.
#[derive(Debug)]
pub(super) enum Selection {
    Everything,
    Filter(Expression),
    Search(Expression, Option<Order>),
}

/// The order of a search that asks for one.
#[derive(Debug)]
pub(super) struct Order {
    attribute: String,
    direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl Selection {
    pub(super) fn of(call: &Call, search: Dialect, filter: Dialect) -> Result<Self, Failure> {
        let invalid = || Failure::okta(400, "E0000031", "Invalid search criteria.");
        match (call.query.get("search"), call.query.get("filter")) {
            (None, None) => Ok(Self::Everything),
            (Some(_), Some(_)) => {
                Err(Failure::okta(400, "E0000033", "Search and filter parameters cannot both be present in the request."))
            }
            (None, Some(text)) => Ok(Self::Filter(Expression::parse(text, filter).ok_or_else(invalid)?)),
            (Some(text), None) => {
                let expression = Expression::parse(text, search).ok_or_else(invalid)?;
                let direction = match call.query.get("sortOrder") {
                    Some("desc" | "DESC") => Direction::Descending,
                    _ => Direction::Ascending,
                };
                let order = call.query.get("sortBy").map(|attribute| Order { attribute: attribute.to_owned(), direction });
                Ok(Self::Search(expression, order))
            }
        }
    }

    pub(super) fn is_search(&self) -> bool {
        matches!(self, Self::Search(..))
    }

    /// Whether the rows come from an index, which may lag behind.
    pub(super) fn is_indexed(&self) -> bool {
        !matches!(self, Self::Everything)
    }
}

impl Order {
    /// Sorts these indexes; ties are broken by id, and so by index.
    pub(super) fn sort<R: Record>(&self, found: Vec<u32>, record: impl Fn(u32) -> Option<R>) -> Vec<u32> {
        let mut keyed: Vec<(u32, Option<R>)> = found.into_iter().map(|index| (index, record(index))).collect();
        keyed.sort_by(|(one, first), (two, second)| {
            let ordering = compare(
                first.as_ref().and_then(|record| record.value(&self.attribute)).as_ref(),
                second.as_ref().and_then(|record| record.value(&self.attribute)).as_ref(),
            );
            let ordering = if self.direction == Direction::Descending { ordering.reverse() } else { ordering };
            ordering.then(one.cmp(two))
        });
        keyed.into_iter().map(|(index, _)| index).collect()
    }
}
