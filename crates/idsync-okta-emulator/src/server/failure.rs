//! Refusals in the shapes that Okta uses (recorded).

use super::answer::Answer;
use crate::id::letters;
use serde_json::{Value, json};

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u16,
    headers: Vec<(&'static str, String)>,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Empty,
    OAuth { error: &'static str, description: String },
    Okta { code: &'static str, summary: String, cause: Option<String> },
}

impl Failure {
    /// The shape of the management API.
    pub(crate) fn okta(status: u16, code: &'static str, summary: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), shape: Shape::Okta { code, summary: summary.into(), cause: None } }
    }

    /// The shape of the token endpoint.
    pub(crate) fn oauth(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), shape: Shape::OAuth { error, description: description.into() } }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), shape: Shape::Empty }
    }

    /// `kind` is the name that Okta uses in such texts, such as `UserGroup`.
    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        Self::okta(404, "E0000007", format!("Not found: Resource not found: {id} ({kind})"))
    }

    pub(crate) fn no_permission() -> Self {
        Self::okta(403, "E0000006", "You do not have permission to perform the requested action")
    }

    /// 400 `E0000001`, about this field, for this reason.
    pub(crate) fn invalid(field: &str, cause: &str) -> Self {
        Self::okta(400, "E0000001", format!("Api validation failed: {field}")).because(cause)
    }

    /// 403 for a credential of a kind that is not taken.
    pub(crate) fn invalid_session() -> Self {
        Self::okta(403, "E0000005", "Invalid session")
    }

    pub(crate) fn not_supported() -> Self {
        Self::okta(405, "E0000022", "The endpoint does not support the provided HTTP method")
    }

    pub(crate) fn invalid_cursor() -> Self {
        Self::okta(400, "E0000029", "Invalid paging request.").because("Invalid cursor.")
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::okta(429, "E0000047", "API call exceeded rate limit due to too many requests.")
    }

    pub(crate) fn internal() -> Self {
        Self::okta(500, "E0000009", "Internal Server Error")
    }

    pub(crate) fn because(mut self, text: &str) -> Self {
        if let Shape::Okta { cause, .. } = &mut self.shape {
            *cause = Some(text.to_owned());
        }
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer; `number` makes its error id different from all others. Members come in Okta's order (recorded).
    pub(crate) fn answer(self, number: u64) -> Answer {
        let answer = match &self.shape {
            Shape::Empty => Answer::empty(self.status),
            Shape::OAuth { error, description } => {
                let body = format!(r#"{{"error":{},"error_description":{}}}"#, json!(error), json!(description));
                Answer::json(self.status, body)
            }
            Shape::Okta { code, summary, cause } => {
                let id = letters(number, 22);
                let causes: Vec<Value> = cause.iter().map(|cause| json!({"errorSummary": cause})).collect();
                let body = format!(
                    r#"{{"errorCode":"{code}","errorSummary":{},"errorLink":"{code}","errorId":"oae{id}","errorCauses":{}}}"#,
                    json!(summary),
                    json!(causes)
                );
                Answer::json(self.status, body)
            }
        };
        self.headers.into_iter().fold(answer, |answer, (name, value)| answer.with_header(name, &value))
    }
}
