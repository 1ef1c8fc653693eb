//! The table of what can go wrong, and what to do then, is that of the code.

use crate::error::{AuthFault, Error, ErrorDetail, SetupFault};

/// Every failure that somebody who connects an org can meet, with what it means to say where the message alone does not.
fn failures() -> Vec<(&'static str, Error)> {
    let setup = |fault| Error::Setup { operation: "", fault, detail: ErrorDetail::default() };
    let auth = |reason| Error::Auth { operation: "", reason, client_id: Some("0oa1".to_owned()), detail: ErrorDetail::default() };
    let when = |fault: &SetupFault| match fault {
        SetupFault::Address => "network zone of the token",
        SetupFault::AppGone { .. } => "app gone",
        SetupFault::AppQuota => "app quota",
        SetupFault::FeatureMissing => "feature not available",
        SetupFault::ForeignApp { .. } => "label taken",
        SetupFault::ForeignRole { .. } => "label of a role taken",
        SetupFault::LabelTaken => "label taken by another kind of app",
        SetupFault::MarkerGone { .. } => "notes of the app written over",
        SetupFault::NotAllowed => "rights missing",
        SetupFault::NotDone => "answered, not done",
        SetupFault::NotSuperAdmin => "not a super administrator",
        SetupFault::OtherOrg { .. } => "another org",
        SetupFault::ScopeRefused { .. } => "scope refused",
        SetupFault::TokenAlive => "token not revoked",
        SetupFault::TokenRefused => "token revoked or wrong",
    };
    let mut failures = vec![("wrong host", Error::NotAnOrg { host: "acme.example.com".to_owned() })];
    failures.extend(SetupFault::all().into_iter().map(|fault| (when(&fault), setup(fault))));
    failures.extend([
        ("network zone of the app", auth(AuthFault::Address)),
        ("clock skew", auth(AuthFault::Clock)),
        ("proof of possession required", auth(AuthFault::Proof)),
        ("key not registered", auth(AuthFault::Key)),
        ("app missing or inactive", auth(AuthFault::Client)),
        (
            "scope not granted",
            Error::Scope { operation: "", missing: vec!["okta.groups.read".to_owned()], client_id: Some("0oa1".to_owned()) },
        ),
        ("role missing", Error::EmptyDirectory { listing: "users", client_id: Some("0oa1".to_owned()) }),
    ]);
    failures
}

fn table() -> String {
    let mut table = String::from("| What is wrong | What you read | What to do |\n|---|---|---|\n");
    for (what, error) in failures() {
        let remedy = error.remedy().unwrap_or_else(|| panic!("{what}: nothing to do is said"));
        table.push_str(&format!("| {what} | {error} | {} |\n", remedy.replace("https://acme.okta.com", "`https://acme.okta.com`")));
    }
    table
}

#[test]
fn p18_the_table_of_failures_is_that_of_the_code() {
    let written = include_str!("failures.md");
    assert!(written == table(), "failures.md should be:\n{}", table());
}

#[test]
fn p18_each_failure_has_a_message_and_a_next_step_of_its_own() {
    let failures = failures();
    let messages: std::collections::BTreeSet<_> = failures.iter().map(|(_, error)| error.to_string()).collect();
    assert_eq!(messages.len(), failures.len());
}
