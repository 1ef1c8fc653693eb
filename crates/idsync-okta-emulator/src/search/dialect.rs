//! Which attributes and operators each list knows.

use super::lexer::Literal;
use super::parser::Operator;
use crate::moment::Moment;

/// A language for conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    AppFilter,
    GroupFilter,
    GroupSearch,
    /// Of principal rate limits.
    ShareFilter,
    UserFilter,
    UserSearch,
}

/// Attributes that are points in time.
pub(super) const TIMES: [&str; 5] = ["activated", "created", "lastMembershipUpdated", "lastUpdated", "statusChanged"];

impl Dialect {
    /// Searches compare texts without case, filters with it (Okta reference: "List all users").
    pub(super) fn minds_case(self) -> bool {
        matches!(self, Self::AppFilter | Self::GroupFilter | Self::ShareFilter | Self::UserFilter)
    }

    pub(super) fn allows_presence(self, attribute: &str) -> bool {
        !self.minds_case() && self.knows(attribute)
    }

    pub(super) fn allows(self, attribute: &str, operator: Operator, literal: &Literal) -> bool {
        let is_time = TIMES.contains(&attribute);
        let is_readable = !is_time || matches!(literal, Literal::Text(text) if Moment::parse(text).is_some());
        let is_fitting = match operator {
            Operator::Equal => true,
            Operator::Contains => !self.minds_case() && self.is_searched_within(attribute),
            Operator::StartsWith => !self.minds_case() && !is_time,
            Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => is_time || !self.minds_case(),
        };
        self.knows(attribute) && is_readable && is_fitting
    }

    fn knows(self, attribute: &str) -> bool {
        let custom = |attribute: &str| attribute.strip_prefix("profile.").is_some_and(|name| !name.is_empty());
        match self {
            Self::AppFilter => matches!(attribute, "credentials.signing.kid" | "id" | "name" | "settings.slo.enabled" | "status"),
            Self::GroupFilter => matches!(attribute, "id" | "lastMembershipUpdated" | "lastUpdated" | "type"),
            Self::GroupSearch => {
                matches!(attribute, "created" | "id" | "lastMembershipUpdated" | "lastUpdated" | "source.id" | "type") || custom(attribute)
            }
            Self::ShareFilter => matches!(attribute, "principalId" | "principalType"),
            Self::UserFilter => matches!(
                attribute,
                "id" | "lastUpdated" | "profile.email" | "profile.firstName" | "profile.lastName" | "profile.login" | "status"
            ),
            Self::UserSearch => {
                matches!(attribute, "activated" | "created" | "id" | "lastUpdated" | "status" | "statusChanged" | "type.id")
                    || custom(attribute)
            }
        }
    }

    /// Whether `co` is known for an attribute.
    fn is_searched_within(self, attribute: &str) -> bool {
        match self {
            Self::GroupSearch => matches!(attribute, "profile.description" | "profile.name"),
            _ => matches!(attribute, "profile.email" | "profile.firstName" | "profile.lastName" | "profile.login"),
        }
    }
}
