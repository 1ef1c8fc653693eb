//! What can go wrong when an Okta org is read, and what to do about it.

mod fault;
mod remedy;

pub use fault::{AuthFault, ErrorDetail, LinkFault, ListingFault, SetupFault};

use idsync_core::{BoxError, ErrorKind, Retry};
use std::time::Duration;

/// Why reading an Okta org failed.
///
/// No variant holds a response body, a query string, a header or a secret; Okta's own identifiers of the failure (error code, error id,
/// request id) are there for a support case. `Error` converts into [`idsync_core::Error`] with a kind, advice on retrying and a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Okta refused a request for a reason that has no variant of its own.
    #[error("Okta answered {status}{detail}")]
    Api {
        /// What was being done.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// The credential was refused.
    #[error("{}{reason}{detail}", app(client_id.as_deref()))]
    Auth {
        /// What was being done.
        operation: &'static str,
        /// Why.
        reason: AuthFault,
        /// The app, when the credential is one.
        client_id: Option<String>,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// A setting is unusable.
    #[error("{message}")]
    Config {
        /// What is wrong, and what was expected.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// An answer could not be understood.
    #[error("the answer is {reason}")]
    Decode {
        /// What was being done.
        operation: &'static str,
        /// What it is instead of what was expected.
        reason: &'static str,
    },
    /// The org shows no entries, which no org with a role for the reader does.
    #[error("the org shows no {listing}, so the credential has no admin role that may see them")]
    EmptyDirectory {
        /// What was listed: `users` or `groups`.
        listing: &'static str,
        /// The app, when the credential is one.
        client_id: Option<String>,
    },
    /// The scope leaves nothing to sync, although the org shows something.
    #[error("none of the {listing} of the org is in scope")]
    EmptyScope {
        /// What was listed: `users` or `groups`.
        listing: &'static str,
    },
    /// Passing faults did not pass within the budget of attempts and time.
    #[error("gave up after {attempts} attempts")]
    Exhausted {
        /// How often the request was sent.
        attempts: u32,
        /// The last failure.
        #[source]
        last: Box<Self>,
    },
    /// A link to the next page leads elsewhere; nothing was sent there.
    #[error("a link to the next page was refused: {reason}")]
    ForeignLink {
        /// What was being done.
        operation: &'static str,
        /// What is wrong with it.
        reason: LinkFault,
    },
    /// A new connection could not be kept, so the old key was left in place.
    #[error("the connection with the new key could not be kept")]
    Kept {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A key cannot be used.
    #[error("the private key cannot be used: {reason}")]
    Key {
        /// What is wrong with it, and what was expected.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A listing does not come to an end.
    #[error("the listing cannot be completed: {reason}")]
    Listing {
        /// What was being done.
        operation: &'static str,
        /// Why.
        reason: ListingFault,
    },
    /// What was asked for by its id does not exist.
    #[error("it does not exist{detail}")]
    NotFound {
        /// What was being done.
        operation: &'static str,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// The host does not answer as an Okta org does.
    #[error("{host} does not answer as an Okta org")]
    NotAnOrg {
        /// The host.
        host: String,
    },
    /// Okta asked for fewer requests.
    #[error("Okta's rate limit is used up{detail}")]
    RateLimited {
        /// What was being done.
        operation: &'static str,
        /// How long to wait.
        wait: Duration,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// An answer was a redirect, which is never followed.
    #[error("a redirect ({status}) to {target} was refused")]
    Redirect {
        /// What was being done.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The host it leads to.
        target: String,
    },
    /// The admin role does not allow what was asked.
    #[error("the admin role of {} does not allow this{detail}", principal(client_id.as_deref()))]
    Role {
        /// What was being done.
        operation: &'static str,
        /// The app, when the credential is one.
        client_id: Option<String>,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// Scopes are not granted.
    #[error("{} not granted to {}", scopes(missing), principal(client_id.as_deref()))]
    Scope {
        /// What was being done.
        operation: &'static str,
        /// The scopes that are missing.
        missing: Vec<String>,
        /// The app, when the credential is one.
        client_id: Option<String>,
    },
    /// An app could not be set up, rotated or removed.
    #[error("{fault}{detail}")]
    Setup {
        /// What was being done.
        operation: &'static str,
        /// Why not.
        fault: SetupFault,
        /// Okta's identifiers of the failure.
        detail: ErrorDetail,
    },
    /// The signer that holds the private key failed.
    #[error("the signer failed")]
    Signer {
        /// Its own error.
        #[source]
        source: BoxError,
    },
    /// No answer in time.
    #[error("no complete answer within {limit:?}")]
    Timeout {
        /// What was being done.
        operation: &'static str,
        /// The limit that was passed.
        limit: Duration,
    },
    /// An answer is larger than what is accepted.
    #[error("the answer exceeds the limit of {limit} bytes of {part}")]
    TooLarge {
        /// What was being done.
        operation: &'static str,
        /// What is too large: `body` or `headers`.
        part: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The org could not be reached, or the connection broke.
    #[error("the connection failed")]
    Transport {
        /// What was being done.
        operation: &'static str,
        /// The cause, without the URL.
        #[source]
        source: BoxError,
    },
}

fn principal(client_id: Option<&str>) -> String {
    client_id.map_or_else(|| "the API token".to_owned(), |id| format!("app {id}"))
}

fn scopes(missing: &[String]) -> String {
    if missing.is_empty() {
        return "the scopes that this takes are".to_owned();
    }
    let names = missing.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", ");
    if missing.len() == 1 { format!("scope {names} is") } else { format!("scopes {names} are") }
}

impl Error {
    pub(crate) fn config(message: impl Into<String>, remedy: &'static str) -> Self {
        Self::Config { message: message.into(), remedy }
    }

    pub(crate) fn key(reason: impl Into<String>) -> Self {
        Self::key_file(reason, "give an RSA key of at least 2048 bits or a P-256 or P-384 key, as PEM or private JWK")
    }

    /// What is wrong is the file of the key, not the key.
    pub(crate) fn key_file(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self::Key { reason: reason.into(), remedy }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Api { status: 408, .. } | Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Api { status, detail, .. } => match (status, detail.code.as_deref()) {
                (400, Some("invalid_scope")) => ErrorKind::InvalidConfig,
                (401, Some("E0000015")) | (403, _) => ErrorKind::PermissionDenied,
                (401, _) => ErrorKind::Unauthenticated,
                (404 | 410, _) => ErrorKind::Unavailable,
                (409 | 423 | 500..=599, _) => ErrorKind::Unavailable,
                _ => ErrorKind::Other,
            },
            Self::Auth { .. } => ErrorKind::Unauthenticated,
            Self::Config { .. } | Self::EmptyScope { .. } | Self::Key { .. } | Self::NotAnOrg { .. } => ErrorKind::InvalidConfig,
            Self::Decode { .. } | Self::ForeignLink { .. } | Self::Listing { .. } | Self::Redirect { .. } | Self::TooLarge { .. } => {
                ErrorKind::InvalidData
            }
            Self::EmptyDirectory { .. } | Self::Role { .. } | Self::Scope { .. } => ErrorKind::PermissionDenied,
            Self::Setup { fault, .. } => fault.kind(),
            Self::Exhausted { last, .. } => last.kind(),
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Kept { .. } | Self::Signer { .. } => ErrorKind::Other,
            Self::Transport { .. } => ErrorKind::Unavailable,
        }
    }

    /// Whether Okta keeps failing to search its users because it cannot read some of them, which does not keep it from listing them.
    pub(crate) fn is_unsearchable(&self) -> bool {
        let Self::Exhausted { last, .. } = self else { return false };
        matches!(&**last, Self::Api { status: 409, detail, .. } if detail.code.as_deref() == Some("E0000145"))
    }

    /// What was being done, such as `list users`; `None` before anything was sent.
    pub fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Api { operation, .. }
            | Self::Auth { operation, .. }
            | Self::Decode { operation, .. }
            | Self::ForeignLink { operation, .. }
            | Self::Listing { operation, .. }
            | Self::NotFound { operation, .. }
            | Self::RateLimited { operation, .. }
            | Self::Redirect { operation, .. }
            | Self::Role { operation, .. }
            | Self::Scope { operation, .. }
            | Self::Setup { operation, .. }
            | Self::Timeout { operation, .. }
            | Self::TooLarge { operation, .. }
            | Self::Transport { operation, .. } => Some(operation),
            Self::EmptyDirectory { listing: "users", .. } | Self::EmptyScope { listing: "users" } => Some("list users"),
            Self::EmptyDirectory { .. } | Self::EmptyScope { .. } => Some("list groups"),
            Self::Exhausted { last, .. } => last.operation(),
            Self::NotAnOrg { .. } => Some("identify the org"),
            Self::Signer { .. } => Some("sign"),
            Self::Config { .. } | Self::Kept { .. } | Self::Key { .. } => None,
        }
    }

    /// Okta's identifiers of the failure, where it gave any.
    pub fn detail(&self) -> Option<&ErrorDetail> {
        match self {
            Self::Api { detail, .. }
            | Self::Auth { detail, .. }
            | Self::NotFound { detail, .. }
            | Self::RateLimited { detail, .. }
            | Self::Role { detail, .. }
            | Self::Setup { detail, .. } => Some(detail),
            Self::Exhausted { last, .. } => last.detail(),
            _ => None,
        }
    }

    /// What to do next, in the imperative.
    pub fn remedy(&self) -> Option<String> {
        const ROLE: &str = "assign the role Read-Only Administrator (or a custom role that may read users and groups)";
        let fixed = |text: &str| Some(text.to_owned());
        match self {
            Self::Api { status, detail, .. } => Some(remedy::after_status(*status, detail)),
            Self::Auth { reason, .. } => fixed(reason.remedy()),
            Self::Config { remedy, .. } | Self::Key { remedy, .. } => fixed(remedy),
            Self::Decode { .. } | Self::TooLarge { .. } => fixed("check for a proxy that rewrites answers, and try again later"),
            Self::EmptyDirectory { client_id, .. } | Self::Role { client_id, .. } => Some(match client_id {
                Some(id) => format!("{ROLE} to app {id} in the Admin Console: Applications > the app > Admin roles"),
                None => format!("{ROLE} to the administrator who made the API token"),
            }),
            Self::EmptyScope { .. } => fixed("check the scope: ids, prefixes, kinds and expressions must be those of the org"),
            Self::Exhausted { last, .. } => last.remedy().or_else(|| fixed("try again later")),
            Self::ForeignLink { .. } | Self::Redirect { .. } => {
                fixed("check the org URL: it must be the org's own domain, and nothing in between may rewrite its links")
            }
            Self::Kept { .. } => fixed("make room for the connection, and rotate again with the same key"),
            Self::Listing { .. } => fixed("try again; if it stays, report it to Okta"),
            Self::NotAnOrg { .. } => fixed("check the org URL; it looks like https://acme.okta.com"),
            Self::NotFound { detail, .. } => Some(remedy::after_not_found(detail)),
            Self::RateLimited { .. } => fixed("lower the rate share, or raise the app's rate limit in the Admin Console"),
            Self::Scope { client_id, .. } => Some(match client_id {
                Some(id) => format!("grant it to app {id} in the Admin Console: Applications > the app > Okta API Scopes"),
                None => "use a credential that has the scope".to_owned(),
            }),
            Self::Setup { fault, .. } => fixed(fault.remedy()),
            Self::Signer { .. } => fixed("check the service that holds the private key"),
            Self::Timeout { .. } | Self::Transport { .. } => fixed("check the network between here and the org, and try again"),
        }
    }

    fn advice(&self) -> Option<Retry> {
        match self {
            Self::Exhausted { .. } => Some(Retry::Exhausted),
            Self::RateLimited { wait, .. } => Some(Retry::After(*wait)),
            Self::Listing { .. } | Self::Decode { .. } => Some(Retry::Backoff),
            _ => None,
        }
    }
}

impl From<Error> for idsync_core::Error {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        if let Error::Exhausted { last, .. } = &error {
            message = format!("{message}: {last}");
        }
        let mut core = Self::new(error.kind(), message);
        if let Some(operation) = error.operation() {
            core = core.during(operation);
        }
        if let Some(remedy) = error.remedy() {
            core = core.with_remedy(remedy);
        }
        if let Some(retry) = error.advice() {
            core = core.with_retry(retry);
        }
        match cause(error) {
            Some(source) => core.with_source(source),
            None => core,
        }
    }
}

/// Names the app in front of what is said of it.
fn app(client_id: Option<&str>) -> String {
    client_id.map_or_else(String::new, |id| format!("app {id}: "))
}

/// The foreign error at the bottom, if there is one.
fn cause(error: Error) -> Option<BoxError> {
    match error {
        Error::Exhausted { last, .. } => cause(*last),
        Error::Kept { source } | Error::Signer { source } | Error::Transport { source, .. } => Some(source),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p18_a_missing_scope_is_named_with_the_app_and_the_next_step() {
        let missing = vec!["okta.groups.read".to_owned()];
        let error = Error::Scope { operation: "list groups", missing, client_id: Some("0oa1".to_owned()) };
        let core = idsync_core::Error::from(error);
        assert_eq!(core.to_string(), "list groups: scope `okta.groups.read` is not granted to app 0oa1");
        assert_eq!(core.kind(), ErrorKind::PermissionDenied);
        assert_eq!(core.retry(), Retry::Never);
        assert!(core.remedy().is_some_and(|remedy| remedy.contains("0oa1") && remedy.contains("Okta API Scopes")));
    }

    #[test]
    fn giving_up_names_the_last_failure_and_tells_outer_loops_to_stop() {
        let detail = ErrorDetail { request_id: Some("req1".to_owned()), ..ErrorDetail::default() };
        let last = Box::new(Error::Api { operation: "list users", status: 503, detail });
        let core = idsync_core::Error::from(Error::Exhausted { attempts: 10, last });
        assert_eq!(core.to_string(), "list users: gave up after 10 attempts: Okta answered 503 (request id req1)");
        assert_eq!((core.kind(), core.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
    }

    #[test]
    fn p18_scopes_that_nobody_names_are_spoken_of_all_the_same() {
        let error = Error::Scope { operation: "list users", missing: Vec::new(), client_id: None };
        assert_eq!(error.to_string(), "the scopes that this takes are not granted to the API token");
    }

    #[test]
    fn p18_each_refusal_of_okta_has_a_next_step_that_names_the_request() {
        let detail =
            |code: &str| ErrorDetail { code: Some(code.to_owned()), request_id: Some("req1".to_owned()), ..ErrorDetail::default() };
        let remedy = |status, code| Error::Api { operation: "list users", status, detail: detail(code) }.remedy().unwrap();
        for (status, code) in [(400, "E0000001"), (400, "E0000063"), (405, "E0000022"), (501, "E0000052"), (406, "E0000122")] {
            assert_eq!(remedy(status, code), "ask Okta's support about the request req1", "{code}");
        }
        for code in ["E0000031", "E0000053", "E0000094"] {
            let remedy = remedy(400, code);
            assert!(remedy.starts_with("check the expressions of the scope") && remedy.contains("req1"), "{code}: {remedy}");
        }
        assert!(remedy(409, "E0000195").starts_with("try again later"));
        assert!(remedy(414, "E0000256").starts_with("shorten"));
        let gone = Error::NotFound { operation: "look up a user", detail: detail("E0000007") };
        assert_eq!(gone.to_string(), "it does not exist (E0000007, request id req1)");
        assert!(gone.remedy().is_some_and(|remedy| remedy.contains("req1")));
        assert_eq!(Error::Api { operation: "", status: 418, detail: ErrorDetail::default() }.remedy().unwrap(), "ask Okta's support");
    }
}
