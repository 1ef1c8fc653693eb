use super::manual_steps;
use crate::provision::{AppSpec, KeySource, TokenBinding, WantedRole};
use crate::{KeyKind, NewKey, OrgUrl, RateShare};
use serde_json::Value;

fn spec() -> AppSpec {
    let key = NewKey::generate(KeyKind::Es256).unwrap();
    AppSpec::new("Directory \"sync\"", KeySource::Private(key.signing_key().clone())).unwrap()
}

fn org() -> OrgUrl {
    OrgUrl::parse("acme.okta.com").unwrap()
}

/// The JSON objects in the text, in their order.
fn objects(text: &str) -> Vec<Value> {
    let starts = text.match_indices('{').map(|(at, _)| &text[at..]);
    starts.map(|rest| serde_json::Deserializer::from_str(rest).into_iter().next().unwrap().unwrap()).collect()
}

#[test]
fn the_steps_are_numbered_and_end_with_the_connection() {
    for role in [WantedRole::LeastPrivilege, WantedRole::Custom, WantedRole::ReadOnlyAdmin] {
        let spec = spec().with_role(role).with_rate_share(RateShare::percent(40).unwrap());
        let text = manual_steps(&spec, &org());
        let numbers: Vec<&str> =
            text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(". ")).map(|(n, _)| n).collect();
        let count = if role == WantedRole::ReadOnlyAdmin { 9 } else { 11 };
        assert_eq!(numbers, (1..=count).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(text.contains("Directory \"sync\"\n") && text.contains("40%"));
        assert_eq!(text.contains("okta.users.read) and"), role != WantedRole::ReadOnlyAdmin);
        assert_eq!(text.contains("Read-Only Administrator"), role != WantedRole::Custom);
        let connection = objects(&text).pop().unwrap();
        assert_eq!(connection["org"], "https://acme.okta.com");
        assert_eq!(connection["key_file"], "key.pem");
        let mut members: Vec<&String> = connection.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["client_id", "key_file", "org"]);
    }
}

#[test]
fn the_public_key_is_there_to_be_pasted() {
    let spec = spec();
    let KeySource::Private(key) = &spec.key else { panic!("a private key") };
    let printed = objects(&manual_steps(&spec, &org())).remove(0);
    assert_eq!(printed, serde_json::to_value(key.public_jwk().unwrap()).unwrap());
    assert!(printed.as_object().unwrap().keys().all(|member| ["kty", "kid", "alg", "use", "crv", "x", "y"].contains(&member.as_str())));
}

#[test]
fn the_address_of_the_keys_is_given_without_a_password() {
    let url = "https://user:hidden@keys.acme.example/jwks.json".parse().unwrap();
    let spec = AppSpec::new("Directory sync", KeySource::JwksUri(url)).unwrap().with_binding(TokenBinding::Bearer);
    let text = manual_steps(&spec, &OrgUrl::parse("login.acme.example").unwrap());
    assert!(text.contains("https://keys.acme.example/jwks.json\n"));
    assert!(!text.contains("hidden") && !text.contains("user:"));
    assert!(text.contains("not ticked"));
    assert!(text.starts_with("1. Sign in to the Admin Console of https://login.acme.example"));
}
