//! The one error that crosses the traits: what kind, whether to retry, during which operation, caused by what.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A boxed source error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of every operation that crosses a trait of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the words a caller branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Someone else holds or has changed what this operation needs; nothing was written.
    Conflict,
    /// Changes cannot be read from this cursor on any more; everything must be read.
    CursorExpired,
    /// A setting, a flag or a file given by the caller is unusable.
    InvalidConfig,
    /// Data was read that cannot be understood.
    InvalidData,
    /// The thing asked for does not exist.
    NotFound,
    /// None of the others.
    Other,
    /// The credential is valid, but it may not do this: a scope or a role is missing.
    PermissionDenied,
    /// The other side asked for fewer requests and the budget for waiting is spent.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// The credential is refused.
    Unauthenticated,
    /// The other side cannot be reached or answers with a passing fault.
    Unavailable,
    /// The implementation does not offer this.
    Unsupported,
}

impl ErrorKind {
    /// The kind as one stable, machine-readable word, such as `permission_denied`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::CursorExpired => "cursor_expired",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidData => "invalid_data",
            Self::NotFound => "not_found",
            Self::Other => "other",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Whether doing the same again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Not before this much time has passed.
    After(Duration),
    /// Yes, after a pause of the caller's choosing.
    Backoff,
    /// It was retried already, as long as was sensible; an outer loop must not multiply the attempts.
    Exhausted,
    /// Not until a person changes something.
    Never,
}

/// An error that crosses a trait: a kind, advice on retrying, the operation, a remedy and a source.
///
/// `Display` prints the operation and the message in one line; the remedy is separate ([`Error::remedy`]), and the source is never
/// repeated in the text. It is one word wide.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
    source: Option<BoxError>,
}

impl Error {
    /// A new error of `kind`. The message names the thing and the expectation, never a secret or personal data.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let retry = match kind {
            ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Unavailable => Retry::Backoff,
            _ => Retry::Never,
        };
        Self(Box::new(Inner { kind, retry, operation: None, message: message.into(), remedy: None, source: None }))
    }

    /// Names the operation that failed, such as `"list users"`.
    #[must_use]
    pub fn during(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    /// Says what to do next, in the imperative.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Overrides the advice on retrying that follows from the kind.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether doing the same again can help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The operation that failed, if it was named.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// What went wrong, without the operation.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, if it is known.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("retry", &self.0.retry)
            .field("operation", &self.0.operation)
            .field("message", &self.0.message)
            .field("remedy", &self.0.remedy)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word_and_shareable() {
        fn shareable<T: Send + Sync + 'static>() {}
        shareable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_names_operation_and_message_and_leaves_the_source_to_source() {
        let error = Error::new(ErrorKind::PermissionDenied, "scope `okta.groups.read` is not granted")
            .during("list groups")
            .with_remedy("grant the scope to the app")
            .with_source("inner");
        assert_eq!(error.to_string(), "list groups: scope `okta.groups.read` is not granted");
        assert_eq!(error.remedy(), Some("grant the scope to the app"));
        assert_eq!(std::error::Error::source(&error).map(ToString::to_string).as_deref(), Some("inner"));
    }
}
