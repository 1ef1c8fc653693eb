//! What an answer means for the request: done, again, or never.

use super::{Answer, Method, Route};
use crate::error::{AuthFault, Error, SetupFault};
use crate::rate::{Bucket, Limited, RateHeaders, retry_after};
use crate::wire::error::Complaint;
use std::time::Duration;

/// What to do after an answer.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Read it.
    Accept,
    /// Send again after a pause, which is at least `at_least`.
    Again { error: Error, at_least: Duration },
    /// Give up.
    Final(Error),
    /// Send again with fewer requests at once.
    Ease(Error),
    /// Send again with the nonce that the answer carries.
    Nonce(Error),
    /// Send again with a proof of possession.
    Prove(Error),
    /// Send again with a new assertion or a new access token; once.
    Renew(Error),
    /// Send again when the rate-limit window is over; `rest` is how long its bucket must rest if the counter does not know it.
    Wait { error: Error, wait: Duration, rest: Option<Duration> },
}

/// Judges an answer to a request of an app, or of an API token when there is no client id.
pub(crate) fn judge(route: Route, client_id: Option<&str>, answer: &Answer) -> Verdict {
    // What changes something may be answered with any of these, but a part of a page must not be taken for all of it.
    match answer.status {
        200 => return Verdict::Accept,
        201..=299 if route.is_setup() && route.method() != Method::Get => return Verdict::Accept,
        201..=299 => return Verdict::Final(Error::Decode { operation: route.operation(), reason: "not a whole one, by its status" }),
        _ => {}
    }
    let complaint = Complaint::read(&answer.headers, &answer.body);
    let after = retry_after(&answer.headers, answer.date);
    if answer.status == 429 {
        return limited(route, answer, complaint, after);
    }
    if is_passing(answer.status, complaint.code()) {
        let error = Error::Api { operation: route.operation(), status: answer.status, detail: complaint.detail };
        return Verdict::Again { error, at_least: after.unwrap_or_default() };
    }
    match route {
        Route::Token => refused_app(route, client_id, answer.status, complaint),
        _ if route.is_setup() => refused_setup(route, answer.status, complaint),
        _ => refused_request(route, client_id, answer.status, complaint),
    }
}

fn limited(route: Route, answer: &Answer, complaint: Complaint, after: Option<Duration>) -> Verdict {
    let error = |wait| Error::RateLimited { operation: route.operation(), wait, detail: complaint.detail.clone() };
    match RateHeaders::read(&answer.headers, answer.date).limited(after) {
        Limited::Concurrency => Verdict::Ease(error(Duration::from_secs(1))),
        Limited::Reset(wait) => Verdict::Wait { error: error(wait), wait, rest: None },
        Limited::Window(wait) => Verdict::Wait { error: error(wait), wait, rest: Some(wait) },
    }
}

/// Faults that pass by themselves: the server's, and the conflicts that the catalogue of error codes calls temporary.
fn is_passing(status: u16, code: &str) -> bool {
    const TEMPORARY: [&str; 6] = ["E0000112", "E0000145", "E0000239", "E0000253", "E0000268", "temporarily_unavailable"];
    matches!(status, 408 | 423 | 500 | 502 | 503 | 504) || TEMPORARY.contains(&code)
}

fn refused_app(route: Route, client_id: Option<&str>, status: u16, complaint: Complaint) -> Verdict {
    let operation = route.operation();
    let owner = client_id.map(str::to_owned);
    if status == 404 {
        return Verdict::Final(Error::Api { operation, status, detail: complaint.detail });
    }
    if complaint.code() == "consent_required" {
        return Verdict::Final(Error::Scope { operation, missing: Vec::new(), client_id: owner });
    }
    let code = complaint.code().to_owned();
    let is_replay = complaint.is_replay;
    let Some(reason) = complaint.auth.or_else(|| (code == "use_dpop_nonce").then_some(AuthFault::Proof)) else {
        return Verdict::Final(Error::Api { operation, status, detail: complaint.detail });
    };
    let error = Error::Auth { operation, reason, client_id: owner, detail: complaint.detail };
    match (code.as_str(), reason) {
        ("use_dpop_nonce", _) => Verdict::Nonce(error),
        ("invalid_dpop_proof", _) => Verdict::Prove(error),
        (_, AuthFault::Clock) => Verdict::Renew(error),
        _ if is_replay => Verdict::Renew(error),
        _ => Verdict::Final(error),
    }
}

fn refused_request(route: Route, client_id: Option<&str>, status: u16, complaint: Complaint) -> Verdict {
    let operation = route.operation();
    let client_id = client_id.map(str::to_owned);
    let code = complaint.code().to_owned();
    let detail = complaint.detail;
    match (status, code.as_str()) {
        // The feature is missing, and a new token would not have it either.
        (401, "E0000015") => Verdict::Final(Error::Api { operation, status, detail }),
        (400 | 401, "use_dpop_nonce") => Verdict::Nonce(Error::Auth { operation, reason: AuthFault::Proof, client_id, detail }),
        (400 | 401, "invalid_dpop_proof") => Verdict::Renew(Error::Auth { operation, reason: AuthFault::Proof, client_id, detail }),
        (401, _) => Verdict::Renew(Error::Auth { operation, reason: AuthFault::Token, client_id, detail }),
        (403, "insufficient_scope") => {
            let missing = complaint.denial.map(|denial| denial.scopes).unwrap_or_default();
            Verdict::Final(Error::Scope { operation, missing, client_id })
        }
        (403, "E0000006") => Verdict::Final(Error::Role { operation, client_id, detail }),
        // Only these codes say that the thing is gone; any other 404 may as well mean that the org or the path is.
        (404, "E0000007" | "E0000048") | (410, "E0000156") => Verdict::Final(Error::NotFound { operation, detail }),
        _ => Verdict::Final(Error::Api { operation, status, detail }),
    }
}

fn refused_setup(route: Route, status: u16, complaint: Complaint) -> Verdict {
    let operation = route.operation();
    let code = complaint.code().to_owned();
    let fault = match (status, code.as_str()) {
        _ if complaint.is_quota => SetupFault::AppQuota,
        _ if complaint.is_label_taken => SetupFault::LabelTaken,
        (400 | 401, "use_dpop_nonce") => {
            return Verdict::Nonce(Error::Auth { operation, reason: AuthFault::Proof, client_id: None, detail: complaint.detail });
        }
        (400, "E0000040") => SetupFault::LabelTaken,
        (401, "E0000015") => SetupFault::FeatureMissing,
        (401, _) => SetupFault::TokenRefused,
        (403, "access_denied") => SetupFault::Address,
        (403, "E0000005" | "E0000006" | "insufficient_scope") => SetupFault::NotAllowed,
        (404, "E0000007" | "E0000048") => return Verdict::Final(Error::NotFound { operation, detail: complaint.detail }),
        (404 | 405 | 501, _) if route.bucket() == Bucket::Iam => SetupFault::FeatureMissing,
        _ => return Verdict::Final(Error::Api { operation, status, detail: complaint.detail }),
    };
    Verdict::Final(Error::Setup { operation, fault, detail: complaint.detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderMap;

    fn verdict(route: Route, status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Verdict {
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        judge(route, Some("0oa1"), &Answer { status, headers, date: None, body: body.as_bytes().into() })
    }

    #[test]
    fn p18_each_refusal_becomes_the_error_that_names_what_is_missing() {
        let okta = |status, body| verdict(Route::Groups, status, &[], body);
        assert!(matches!(okta(403, r#"{"errorCode":"E0000006"}"#), Verdict::Final(Error::Role { .. })));
        assert!(matches!(okta(401, r#"{"errorCode":"E0000015"}"#), Verdict::Final(Error::Api { status: 401, .. })));
        assert!(matches!(okta(401, r#"{"errorCode":"E0000011"}"#), Verdict::Renew(Error::Auth { reason: AuthFault::Token, .. })));
        let challenge = [("www-authenticate", r#"Bearer scope="okta.groups.read", error="insufficient_scope""#)];
        let Verdict::Final(Error::Scope { missing, .. }) = verdict(Route::Groups, 403, &challenge, "") else { panic!("not a scope error") };
        assert_eq!(missing, ["okta.groups.read"]);
        let token = |status, body| verdict(Route::Token, status, &[], body);
        assert!(matches!(token(400, r#"{"error":"consent_required"}"#), Verdict::Final(Error::Scope { .. })));
        assert!(matches!(token(400, r#"{"error":"use_dpop_nonce"}"#), Verdict::Nonce(_)));
        assert!(matches!(token(400, r#"{"error":"invalid_dpop_proof"}"#), Verdict::Prove(_)));
        assert!(matches!(token(400, r#"{"error":"temporarily_unavailable"}"#), Verdict::Again { .. }));
        assert!(matches!(token(429, r#"{"errorCode":"E0000047"}"#), Verdict::Wait { .. }));
    }

    #[test]
    fn p01_row06_only_a_200_is_a_whole_page_and_anything_good_says_that_a_change_was_made() {
        for status in [201, 202, 203, 204, 206] {
            for route in [Route::Users, Route::User, Route::Members, Route::Token, Route::Discovery, Route::Apps] {
                assert!(matches!(verdict(route, status, &[], "[]"), Verdict::Final(Error::Decode { .. })), "{route:?} {status}");
            }
            assert!(matches!(verdict(Route::DeleteApp, status, &[], ""), Verdict::Accept), "{status}");
        }
        assert!(matches!(verdict(Route::Users, 200, &[], "[]"), Verdict::Accept));
    }

    #[test]
    fn p03_only_oktas_own_not_found_says_that_something_is_gone() {
        let user = |status, body| verdict(Route::User, status, &[], body);
        assert!(matches!(user(404, r#"{"errorCode":"E0000007"}"#), Verdict::Final(Error::NotFound { .. })));
        for body in ["", "<html>Okta - Sign In</html>", r#"{"status":404,"message":"Resource not found"}"#, r#"{"errorCode":"E0000008"}"#] {
            assert!(matches!(user(404, body), Verdict::Final(Error::Api { status: 404, .. })), "{body}");
        }
    }
}
