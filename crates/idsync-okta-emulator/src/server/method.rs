//! HTTP methods.

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `DELETE`.
    Delete,
    /// `GET`.
    Get,
    /// Any other method.
    Other,
    /// `PATCH`.
    Patch,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 6] = [Self::Delete, Self::Get, Self::Other, Self::Patch, Self::Post, Self::Put];

    /// The method as requests spell it; `*` for [`Method::Other`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Other => "*",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|method| method.as_str() == text).unwrap_or(Self::Other)
    }
}
