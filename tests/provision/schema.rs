//! Requests against Okta's own description of its API, and against requests that others were seen to send. Both files are only where
//! `IDSYNC_REFERENCE` says.

mod contract;
mod scenarios;
mod shape;

use contract::{Contract, matches};
use scenarios::Sent;
use serde_json::{Value, json};
use shape::Call;
use std::collections::BTreeMap;
use std::path::Path;

/// A place where the description is wrong, or says less than is so.
struct Correction {
    /// Below the schemas of the document.
    place: &'static str,
    right: Right,
    reason: &'static str,
}

#[derive(Clone, Copy)]
enum Right {
    /// It may be null.
    Nullable,
    /// It exists, and is of this type.
    Exists(&'static str),
}

/// Each of them is needed: the test fails when it is not.
const CORRECTIONS: [Correction; 15] = [
    nullable("ApplicationAccessibility/properties/errorRedirectUrl"),
    nullable("ApplicationAccessibility/properties/loginRedirectUrl"),
    nullable("ApplicationSettingsNotes/properties/enduser"),
    nullable("ApplicationSettingsNotificationsVpn/properties/helpUrl"),
    nullable("ApplicationSettingsNotificationsVpn/properties/message"),
    nullable("OpenIdConnectApplicationSettingsClient/properties/client_uri"),
    nullable("OpenIdConnectApplicationSettingsClient/properties/logo_uri"),
    Correction { place: "ApplicationSettings/properties/app", right: Right::Exists("object"), reason: AS_SHOWN },
    Correction { place: "ApplicationSettings/properties/manualProvisioning", right: Right::Exists("boolean"), reason: AS_SHOWN },
    // Where a key is added alone, these two are described; the bodies of apps use the schema of answers for their keys.
    Correction { place: "OAuth2ClientJsonSigningKeyResponse/properties/alg", right: Right::Exists("string"), reason: RFC_7517 },
    Correction { place: "OAuth2ClientJsonSigningKeyResponse/properties/use", right: Right::Exists("string"), reason: RFC_7517 },
    Correction { place: "OAuth2ClientJsonWebKeyECRequest/properties/crv", right: Right::Exists("string"), reason: RFC_7518 },
    Correction { place: "OAuth2ClientJsonWebKeyECResponse/properties/crv", right: Right::Exists("string"), reason: RFC_7518 },
    // The description has these as the way of signing in, which does not belong to its schemas.
    Correction { place: "TokenRequestClientCredentials/properties/client_assertion", right: Right::Exists("string"), reason: RFC_7523 },
    Correction {
        place: "TokenRequestClientCredentials/properties/client_assertion_type",
        right: Right::Exists("string"),
        reason: RFC_7523,
    },
];

const AS_SHOWN: &str = "an update sends the app as the org showed it, and the org shows this";
const RFC_7517: &str = "RFC 7517, sections 4.2 and 4.4: a key says what it is used for; orgs show it, too";
const RFC_7518: &str = "RFC 7518, section 6.2.1.1: a point without its curve is not a key; orgs show it, too";
const RFC_7523: &str = "RFC 7523, section 2.2: so an app signs in with a key";

const fn nullable(place: &'static str) -> Correction {
    Correction { place, right: Right::Nullable, reason: AS_SHOWN }
}

/// The operations that are called, so that none is checked no more, and none is called without being listed here.
const CALLED: [&str; 39] = [
    "DELETE /api/v1/api-tokens/current",
    "DELETE /api/v1/apps/{appId}",
    "DELETE /api/v1/apps/{appId}/credentials/jwks/{keyId}",
    "DELETE /api/v1/apps/{appId}/grants/{grantId}",
    "DELETE /api/v1/iam/resource-sets/{resourceSetIdOrLabel}",
    "DELETE /api/v1/iam/roles/{roleIdOrLabel}",
    "DELETE /oauth2/v1/clients/{clientId}/roles/{roleAssignmentId}",
    "GET /.well-known/okta-organization",
    "GET /api/v1/apps",
    "GET /api/v1/apps/{appId}",
    "GET /api/v1/apps/{appId}/grants",
    "GET /api/v1/groups",
    "GET /api/v1/groups/{groupId}",
    "GET /api/v1/groups/{groupId}/users",
    "GET /api/v1/iam/resource-sets/{resourceSetIdOrLabel}",
    "GET /api/v1/iam/resource-sets/{resourceSetIdOrLabel}/resources",
    "GET /api/v1/iam/roles/{roleIdOrLabel}",
    "GET /api/v1/iam/roles/{roleIdOrLabel}/permissions",
    "GET /api/v1/principal-rate-limits",
    "GET /api/v1/users",
    "GET /api/v1/users/{id}",
    "GET /api/v1/users/{id}/groups",
    "GET /oauth2/v1/clients/{clientId}/roles",
    "PATCH /api/v1/iam/resource-sets/{resourceSetIdOrLabel}/resources",
    "POST /api/v1/apps",
    "POST /api/v1/apps/{appId}/credentials/jwks",
    "POST /api/v1/apps/{appId}/credentials/jwks/{keyId}/lifecycle/activate",
    "POST /api/v1/apps/{appId}/credentials/jwks/{keyId}/lifecycle/deactivate",
    "POST /api/v1/apps/{appId}/grants",
    "POST /api/v1/apps/{appId}/lifecycle/activate",
    "POST /api/v1/apps/{appId}/lifecycle/deactivate",
    "POST /api/v1/iam/resource-sets",
    "POST /api/v1/iam/roles",
    "POST /api/v1/iam/roles/{roleIdOrLabel}/permissions/{permissionType}",
    "POST /api/v1/principal-rate-limits",
    "POST /oauth2/v1/clients/{clientId}/roles",
    "POST /oauth2/v1/token",
    "PUT /api/v1/apps/{appId}",
    "PUT /api/v1/principal-rate-limits/{principalRateLimitId}",
];

/// Calls that the document, which is a part of the whole, does not describe.
const NOT_DESCRIBED: [(&str, &str, &str); 1] =
    [("GET", "/api/v1/users/{id}/roles", "the roles of the setup token's owner; the part leaves the role assignments of users out")];

/// Recorded calls. An update of an app is not among them: it sends what the org showed, while the recorded ones were put together anew.
const CALLS: [Call; 8] = [
    Call {
        method: "POST",
        template: "/api/v1/apps",
        is_meant: |body| body["settings"]["oauthClient"]["application_type"] == "service",
        added: &[
            ("settings.notes.admin", "by this the app is known to be ours"),
            ("settings.oauthClient.jwks.keys[].alg", RFC_7517),
            ("settings.oauthClient.jwks.keys[].use", RFC_7517),
            ("settings.oauthClient.jwks.keys[].crv", RFC_7518),
        ],
        left_out: &[
            ("accessibility", "empty, or about people who sign in"),
            ("credentials.userNameTemplate", "about people who sign in"),
            ("settings.oauthClient.idp_initiated_login", "about people who sign in"),
            ("settings.oauthClient.wildcard_redirect", "about people who sign in"),
        ],
    },
    Call::like("POST", "/api/v1/apps/{appId}/grants"),
    Call {
        added: &[("n", KEY_ITSELF), ("e", KEY_ITSELF), ("x", KEY_ITSELF), ("y", KEY_ITSELF), ("crv", RFC_7518), ("alg", RFC_7517)],
        ..Call::like("POST", "/api/v1/apps/{appId}/credentials/jwks")
    },
    Call { added: &[("role", CUSTOM_ROLE), ("resource-set", CUSTOM_ROLE)], ..Call::like("POST", "/oauth2/v1/clients/{clientId}/roles") },
    Call::like("POST", "/api/v1/iam/roles"),
    Call::like("POST", "/api/v1/iam/resource-sets"),
    Call::like("PATCH", "/api/v1/iam/resource-sets/{resourceSetIdOrLabel}/resources"),
    Call::like("POST", "/oauth2/v1/token"),
];

const KEY_ITSELF: &str = "the only recorded request was refused, for it had no key in it";
const CUSTOM_ROLE: &str = "only standard roles were recorded; the description has this for a custom one";

impl Correction {
    fn apply(&self, document: &mut Value) {
        let pointer = format!("/components/schemas/{}", self.place);
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let (component, properties) = parent.rsplit_once('/').unwrap();
        let component = document.pointer_mut(component).unwrap_or_else(|| panic!("{component} is not described"));
        match self.right {
            Right::Nullable => component[properties][member]["nullable"] = json!(true),
            Right::Exists(kind) => component[properties][member] = json!({"type": kind}),
        }
    }
}

/// The document with all corrections but one.
fn corrected(document: &Value, but: Option<usize>) -> Contract {
    let mut document = document.clone();
    let corrections = CORRECTIONS.iter().enumerate().filter(|(index, _)| Some(*index) != but);
    corrections.for_each(|(_, correction)| correction.apply(&mut document));
    Contract::of(&document)
}

fn is_described(sent: &Sent) -> bool {
    !NOT_DESCRIBED.iter().any(|(method, template, _)| sent.method == *method && matches(template, &sent.path))
}

/// The text of a file of reference; `None` where there is none at hand.
fn reference(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("IDSYNC_REFERENCE").filter(|folder| !folder.is_empty()) else {
        println!("skipped: IDSYNC_REFERENCE names no folder with {file}");
        return None;
    };
    Some(std::fs::read_to_string(Path::new(&folder).join(file)).unwrap())
}

/// Every request is as it is described, and every operation is one that is expected to be called.
fn assert_as_described(contract: &Contract, sent: &[&Sent]) {
    let told = |sent: &Sent, fault: String| format!("{} {}?{}: {fault}", sent.method, sent.path, sent.query);
    let faults: Vec<_> = sent.iter().flat_map(|sent| contract.faults(sent).into_iter().map(|fault| told(sent, fault))).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    sent.iter().filter_map(|sent| contract.operation(sent)).for_each(|operation| *counts.entry(operation).or_default() += 1);
    assert_eq!(counts.keys().collect::<Vec<_>>(), CALLED, "called, and expected to be");
    println!("{} requests of {} operations are as described: {counts:#?}", sent.len(), counts.len());
}

fn assert_not_described(contract: &Contract, sent: &[&Sent]) {
    assert!(sent.iter().all(|sent| contract.operation(sent).is_none()), "it is described");
    for (method, template, reason) in NOT_DESCRIBED {
        let is_called = sent.iter().any(|sent| sent.method == method && matches(template, &sent.path));
        assert!(is_called, "{method} {template} is not called any more: {reason}");
    }
    println!("{} requests are of calls that are not described", sent.len());
}

fn assert_corrections_are_needed(document: &Value, sent: &[&Sent]) {
    for (index, correction) in CORRECTIONS.iter().enumerate() {
        let uncorrected = corrected(document, Some(index));
        let is_needed = sent.iter().any(|sent| !uncorrected.faults(sent).is_empty());
        assert!(is_needed, "{} needs no correction any more: {}", correction.place, correction.reason);
    }
}

#[tokio::test]
async fn schema_requests_are_as_the_api_is_described() {
    let Some(text) = reference("reference/okta-openapi-subset.json") else { return };
    let document: Value = serde_json::from_str(&text).unwrap();
    let all = scenarios::all().await;
    let (described, others): (Vec<_>, Vec<_>) = all.iter().partition(|sent| is_described(sent));
    let contract = corrected(&document, None);
    assert_as_described(&contract, &described);
    assert_not_described(&contract, &others);
    assert_corrections_are_needed(&document, &described);
}

#[tokio::test]
async fn schema_requests_are_made_like_recorded_ones() {
    let Some(text) = reference("fixtures/okta-recorded.jsonl") else { return };
    let recorded: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sent = scenarios::all().await;
    for call in CALLS {
        let compared = call.compare(&sent, &recorded);
        println!("{call}: {} of ours, {} recorded", compared.ours, compared.recorded);
    }
}
