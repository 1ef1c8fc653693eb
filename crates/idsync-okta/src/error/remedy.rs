//! What to do after a refusal that has no variant of its own.

use super::ErrorDetail;

/// The next step after Okta answered with this status.
pub(super) fn after_status(status: u16, detail: &ErrorDetail) -> String {
    let fixed = match (status, detail.code.as_deref()) {
        (_, Some("E0000260")) => "the org is deactivated; reactivate it, or remove the connection",
        (400, Some("invalid_scope")) => "check the names of the scopes that the app asks for; the org has no such scope",
        (400, Some("E0000031" | "E0000053" | "E0000094")) => {
            return format!("check the expressions of the scope, of which the org does not understand one, or {}", ask(detail));
        }
        (401 | 403, _) => "check which features and roles the org gives to the credential",
        (404, _) => "check that the org URL still leads to the org",
        (407, _) => "give the user name and the password of the proxy",
        (414, _) => "shorten the expressions of the scope",
        (408 | 409 | 410 | 423 | 500 | 502..=599, _) => return format!("try again later; if it stays, {}", ask(detail)),
        _ => return ask(detail),
    };
    fixed.to_owned()
}

/// The next step after something was asked for that is not there.
pub(super) fn after_not_found(detail: &ErrorDetail) -> String {
    format!("read the directory again, for it may just have been deleted; if it is still listed, {}", ask(detail))
}

/// Whom to ask, with the id under which Okta finds what happened.
fn ask(detail: &ErrorDetail) -> String {
    match (&detail.request_id, &detail.error_id) {
        (Some(id), _) => format!("ask Okta's support about the request {id}"),
        (None, Some(id)) => format!("ask Okta's support about the error {id}"),
        (None, None) => "ask Okta's support".to_owned(),
    }
}
