//! Error answers, in all the shapes that they come in.

use super::challenge::Challenge;
use super::depth::check_depth;
use super::parse;
use crate::error::{AuthFault, ErrorDetail};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of an error body, each read by itself, so that an odd one does not hide what the others say.
#[derive(Default)]
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// There are none where the body is no object.
    fn read(body: &'a str) -> Self {
        // Some servers in between put a byte order mark in front.
        let body = body.strip_prefix('\u{feff}').unwrap_or(body).as_bytes();
        check_depth(body).and_then(|()| parse(body)).map(Self).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<String> {
        parse(self.0.get(name)?.get().as_bytes()).ok()
    }

    /// A text of which only an identifier is let through.
    fn identifier(&self, name: &str) -> Option<String> {
        self.text(name).and_then(identifier)
    }

    /// The summaries of the causes.
    fn causes(&self) -> Vec<String> {
        let causes = self.0.get("errorCauses").and_then(|causes| parse::<Vec<&RawValue>>(causes.get().as_bytes()).ok());
        causes.into_iter().flatten().filter_map(|cause| Members::read(cause.get()).text("errorSummary")).collect()
    }
}

/// What an error answer says, with nothing in it that could be somebody's data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) detail: ErrorDetail,
    /// What a refused credential was refused for.
    pub(crate) auth: Option<AuthFault>,
    /// Whether the assertion was refused only because it was seen before.
    pub(crate) is_replay: bool,
    /// Whether the org has no room for another app.
    pub(crate) is_quota: bool,
    /// Whether another app has the label already, in an org that wants each label once.
    pub(crate) is_label_taken: bool,
    /// What `WWW-Authenticate` says, where it names an error.
    pub(crate) denial: Option<Denial>,
}

/// Why an access token was not good enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) error: String,
    pub(crate) scopes: Vec<String>,
}

impl Complaint {
    /// Reads whatever there is; never fails, for a fault in the error path would hide the error.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        // What is no UTF-8 is in some text, and the code is in another.
        let body = String::from_utf8_lossy(body);
        let wire = Members::read(&body);
        let denial = headers.get_all("www-authenticate").iter().find_map(denial);
        let code = wire.identifier("errorCode").or_else(|| wire.identifier("error"));
        let detail = ErrorDetail {
            code: code.or_else(|| denial.as_ref().map(|denial| denial.error.clone())),
            error_id: wire.identifier("errorId"),
            request_id: headers.get("x-okta-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned).and_then(identifier),
        };
        // The description is read for what it means and then dropped: it may quote what was sent.
        let description = wire.text("error_description").or_else(|| wire.text("errorSummary")).unwrap_or_default().to_ascii_lowercase();
        let (auth, is_replay) = meaning(detail.code.as_deref().unwrap_or_default(), &description);
        let causes = wire.causes();
        let blames = |words: &str| causes.iter().any(|cause| cause.contains(words));
        let (is_quota, is_label_taken) = (blames("Maximum number of instances"), blames("instance with the label"));
        Self { detail, auth, is_replay, is_quota, is_label_taken, denial }
    }

    pub(crate) fn code(&self) -> &str {
        self.detail.code.as_deref().unwrap_or_default()
    }
}

/// What the token endpoint's descriptions say (the catalogue of OAuth error codes).
fn meaning(code: &str, description: &str) -> (Option<AuthFault>, bool) {
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    match code {
        "invalid_dpop_proof" => (Some(AuthFault::Proof), says(&["already been used"])),
        "access_denied" => (Some(AuthFault::Address), false),
        "unauthorized_client" | "unsupported_grant_type" => (Some(AuthFault::AppType), false),
        "invalid_client" | "invalid_token" if says(&["already been used"]) => (Some(AuthFault::Other), true),
        "invalid_client" | "invalid_token" => {
            let fault = if says(&["audience"]) {
                AuthFault::Audience
            } else if says(&["expir", "before the current time", "the future", "issued"]) {
                AuthFault::Clock
            } else if says(&["kid", "signature", "jwks", "parsing", "public key"]) {
                AuthFault::Key
            } else if says(&["token_endpoint_auth_method", "application_type"]) {
                AuthFault::AppType
            } else if says(&["client_id"]) {
                AuthFault::Client
            } else {
                AuthFault::Other
            };
            (Some(fault), false)
        }
        _ => (None, false),
    }
}

/// Lets through what looks like an identifier and nothing that looks like prose.
fn identifier(text: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+=/".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

/// What the first challenge that names an error says (RFC 6750, RFC 9449).
fn denial(header: &HeaderValue) -> Option<Denial> {
    // A realm may be in any language.
    let header = String::from_utf8_lossy(header.as_bytes());
    Challenge::all(&header).iter().find_map(|challenge| {
        let error = challenge.parameter("error").map(str::to_owned).and_then(identifier)?;
        let scopes = challenge.parameter("scope").unwrap_or_default();
        let scopes = scopes.split_ascii_whitespace().map(str::to_owned).filter_map(identifier).collect();
        Some(Denial { error, scopes })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn each_shape_of_error_yields_its_code_and_ids() {
        let request = [("x-okta-request-id", "X0f4VmKvAOVHT2iSoaNAmAAABRQ")];
        let okta = br#"{"errorCode":"E0000006","errorSummary":"no\nrights for ana@example.com","errorLink":"E0000006","errorId":"oae_x-1","errorCauses":[]}"#;
        let complaint = Complaint::read(&headers(&request), okta);
        assert_eq!(complaint.detail.code.as_deref(), Some("E0000006"));
        assert_eq!(complaint.detail.error_id.as_deref(), Some("oae_x-1"));
        assert_eq!(complaint.detail.request_id.as_deref(), Some("X0f4VmKvAOVHT2iSoaNAmAAABRQ"));
        assert!(!format!("{complaint:?}").contains("ana@example.com"));

        let oauth = br#"{"error":"invalid_client","error_description":"The client_assertion signature is invalid."}"#;
        assert_eq!(Complaint::read(&HeaderMap::new(), oauth).auth, Some(AuthFault::Key));
        let mixed = br#"{"errorCode":"invalid_client","errorSummary":"A client_id must be provided in the request."}"#;
        assert_eq!(Complaint::read(&HeaderMap::new(), mixed).auth, Some(AuthFault::Client));
        let html = b"<html><title>Okta - Sign In</title></html>";
        assert_eq!(Complaint::read(&HeaderMap::new(), html), Complaint::default());
    }

    #[test]
    fn an_odd_member_does_not_hide_what_the_others_say() {
        for odd in [
            r#""errorCauses":null"#,
            r#""errorCauses":["x"]"#,
            r#""errorCauses":[{"errorSummary":["a"]}]"#,
            r#""errorCauses":{}"#,
            r#""errorId":17"#,
            r#""errorSummary":null"#,
            r#""errorSummary":["a"]"#,
            r#""errorSummary":"\ud800""#,
            r#""error":{}"#,
        ] {
            let body = format!(r#"{{{odd},"errorCode":"E0000007","errorLink":"E0000007"}}"#);
            assert_eq!(Complaint::read(&HeaderMap::new(), body.as_bytes()).code(), "E0000007", "{odd}");
        }
        for body in [&b"\xef\xbb\xbf{\"errorCode\":\"E0000007\"}"[..], b"{\"errorCode\":\"E0000007\",\"errorSummary\":\"\xff\"}"] {
            assert_eq!(Complaint::read(&HeaderMap::new(), body).code(), "E0000007", "{body:?}");
        }
        let full = br#"{"errorCode":"E0000001","errorId":17,"errorCauses":[null,{"errorSummary":"Maximum number of instances has been reached."}]}"#;
        assert!(Complaint::read(&HeaderMap::new(), full).is_quota);
        let deep = format!(r#"{{"errorCode":"E0000007","errorCauses":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Complaint::read(&HeaderMap::new(), deep.as_bytes()), Complaint::default());
    }

    #[test]
    fn an_empty_body_is_read_from_its_challenge() {
        let value = r#"Bearer authorization_uri="http://acme.okta.com/oauth2/v1/authorize", realm="http://acme.okta.com", scope="okta.groups.read", error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource="/api/v1/groups/12345""#;
        let complaint = Complaint::read(&headers(&[("www-authenticate", value)]), b"");
        let denial = complaint.denial.unwrap();
        assert_eq!((denial.error.as_str(), denial.scopes), ("insufficient_scope", vec!["okta.groups.read".to_owned()]));
    }

    #[test]
    fn p18_the_scope_that_is_missing_is_found_however_the_challenge_is_written() {
        for values in [
            &[r#"Bearer realm="x", error = "insufficient_scope", scope = "okta.groups.read""#][..],
            &[r#"Bearer realm="an \"error\", error=none", Error="insufficient_scope", SCOPE="okta.groups.read""#],
            &[r#"Negotiate, DPoP algs="RS256", Bearer error="insufficient_scope", scope="okta.groups.read""#],
            &["Negotiate", r#"Bearer realm="Zürich", error="insufficient_scope", scope="okta.groups.read""#],
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("www-authenticate", HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let complaint = Complaint::read(&headers, b"");
            assert_eq!(complaint.code(), "insufficient_scope", "{values:?}");
            assert_eq!(complaint.denial.unwrap().scopes, ["okta.groups.read"], "{values:?}");
        }
    }

    #[test]
    fn time_faults_key_faults_and_replays_are_told_apart() {
        let read = |description: &str| {
            let body = format!(r#"{{"error":"invalid_client","error_description":"{description}"}}"#);
            let complaint = Complaint::read(&HeaderMap::new(), body.as_bytes());
            (complaint.auth.unwrap(), complaint.is_replay)
        };
        assert_eq!(read("The client_assertion token is expired."), (AuthFault::Clock, false));
        assert_eq!(read("The client_assertion token has an expiration too far into the future."), (AuthFault::Clock, false));
        assert_eq!(read("The client_assertion token must be issued before the current time."), (AuthFault::Clock, false));
        assert_eq!(read("The client_assertion token has already been used."), (AuthFault::Other, true));
        assert_eq!(read("The client_assertion JWT kid is invalid."), (AuthFault::Key, false));
        let audience = "The audience claim for client_assertion must be the endpoint invoked for the request.";
        assert_eq!(read(audience), (AuthFault::Audience, false));
        assert_eq!(read("The issuer is not a valid client_id."), (AuthFault::Client, false));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(body in any::<Vec<u8>>(), value in "[ -~]{0,80}") {
            let mut headers = HeaderMap::new();
            headers.insert("www-authenticate", value.parse().unwrap());
            _ = Complaint::read(&headers, &body);
        }
    }
}
