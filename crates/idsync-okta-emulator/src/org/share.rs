//! Which share of the rate limits somebody gets.

use crate::id::Id;
use crate::moment::Moment;

/// The share of an app or of an API token, as Okta calls it: a principal rate limit.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    pub(crate) id: Id,
    pub(crate) of: ShareOf,
    /// The id of the app or the API token.
    pub(crate) principal: String,
    pub(crate) percentage: u32,
    pub(crate) concurrency_percentage: u32,
    pub(crate) created: (Moment, String),
    pub(crate) updated: (Moment, String),
}

/// Whose share it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShareOf {
    ApiToken,
    App,
}

/// The share of whoever was given no other, in percent (Okta reference: "API rate limits by token").
pub(crate) const USUAL_SHARE: u32 = 50;

impl ShareOf {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ApiToken => "SSWS_TOKEN",
            Self::App => "OAUTH_CLIENT",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::ApiToken, Self::App].into_iter().find(|kind| kind.as_str() == text)
    }
}
