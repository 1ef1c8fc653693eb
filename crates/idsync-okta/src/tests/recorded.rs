use crate::error::Error;
use crate::link;
use crate::rate::{Limited, RateHeaders};
use crate::transport::{Answer, Route, Verdict, judge};
use crate::wire::{self, WireGroup, WireUser};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Exchange {
    source: String,
    method: String,
    path: String,
    #[serde(default)]
    query: String,
    status: u16,
    response_headers: Vec<(String, String)>,
    response_body: Value,
}

impl Exchange {
    fn headers(&self) -> HeaderMap {
        let pairs = self.response_headers.iter();
        pairs.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())).collect()
    }

    fn body(&self) -> Vec<u8> {
        match &self.response_body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        }
    }

    /// The request of ours that this answers; any other that was refused stands for a lookup, for errors look alike everywhere.
    fn route(&self) -> Option<Route> {
        let segments: Vec<_> = self.path.trim_matches('/').split('/').collect();
        match (self.method.as_str(), segments.as_slice()) {
            ("POST", ["oauth2", "v1", "token"]) => Some(Route::Token),
            ("GET", ["api", "v1", "users"]) => Some(Route::Users),
            ("GET", ["api", "v1", "users", _]) => Some(Route::User),
            ("GET", ["api", "v1", "groups"]) => Some(Route::Groups),
            ("GET", ["api", "v1", "groups", "rules"]) => (self.status >= 400).then_some(Route::User),
            ("GET", ["api", "v1", "groups", _]) => Some(Route::Group),
            ("GET", ["api", "v1", "groups", _, "users"]) => Some(Route::Members),
            ("GET", [".well-known", "okta-organization"]) => Some(Route::Discovery),
            _ => (self.status >= 400).then_some(Route::User),
        }
    }
}

fn array_length(exchange: &Exchange) -> usize {
    exchange.response_body.as_array().map_or(usize::MAX, Vec::len)
}

/// Reads an accepted answer; every record must have been understood.
fn decode(exchange: &Exchange, route: Route, body: &[u8]) {
    let source = &exchange.source;
    match route {
        Route::Users => {
            let page = wire::page::<WireUser<'_>>(body).unwrap();
            assert_eq!((page.items.len(), page.held.len()), (array_length(exchange), 0), "{source}");
        }
        Route::Groups => {
            let page = wire::page::<WireGroup<'_>>(body).unwrap();
            assert_eq!((page.items.len(), page.held.len()), (array_length(exchange), 0), "{source}");
        }
        Route::Members => {
            let page = wire::members(body).unwrap();
            assert_eq!((page.items.len(), page.held.len()), (array_length(exchange), 0), "{source}");
            assert_eq!(wire::page::<WireUser<'_>>(body).unwrap().items.len(), page.items.len(), "{source}");
        }
        Route::User => {
            let user = wire::single::<WireUser<'_>>(body).unwrap().unwrap();
            assert_eq!(exchange.response_body["id"], user.id.as_str(), "{source}");
            assert_eq!(exchange.response_body["status"], user.status.as_str(), "{source}");
            assert_eq!(exchange.response_body["profile"]["login"].as_str(), user.login.as_deref(), "{source}");
            for (name, value) in exchange.response_body["profile"].as_object().unwrap() {
                let kept = Some(value).filter(|value| name != "login" && !value.is_null());
                assert_eq!(user.attributes.get(name).as_ref(), kept, "{source}: {name}");
            }
        }
        Route::Group => {
            let group = wire::single::<WireGroup<'_>>(body).unwrap().unwrap();
            assert_eq!(exchange.response_body["profile"]["name"], group.name, "{source}");
        }
        Route::Token => {
            // The recordings have the token itself removed, not its neighbours.
            let token = wire::token::token(body).unwrap();
            assert_eq!(token.lifetime.as_secs(), 3600, "{source}");
            assert!(token.scopes.is_some(), "{source}");
        }
        Route::Discovery => assert!(wire::org::org(body).is_ok(), "{source}"),
        other => panic!("{source}: no recording is of {other:?}"),
    }
}

/// The error that a refused answer must become.
fn expect_refusal(exchange: &Exchange, route: Route, verdict: &Verdict, answer: &Answer) {
    let code = exchange.response_body["errorCode"].as_str().or(exchange.response_body["error"].as_str()).unwrap_or_default();
    let right = match (exchange.status, code) {
        (429, _) => {
            let zero = RateHeaders::read(&answer.headers, answer.date).limited(None) == Limited::Concurrency;
            matches!(verdict, Verdict::Ease(Error::RateLimited { .. })) == zero
                && matches!(verdict, Verdict::Ease(_) | Verdict::Wait { .. })
        }
        (400, "use_dpop_nonce") => matches!(verdict, Verdict::Nonce(_)),
        (400, "invalid_dpop_proof") if route == Route::Token => matches!(verdict, Verdict::Prove(_)),
        (401, "E0000015") => matches!(verdict, Verdict::Final(Error::Api { status: 401, .. })),
        (401, _) => matches!(verdict, Verdict::Renew(Error::Auth { .. }) | Verdict::Final(Error::Auth { .. })),
        (403, "E0000006") => matches!(verdict, Verdict::Final(Error::Role { .. })),
        (403, "") => matches!(verdict, Verdict::Final(Error::Scope { .. } | Error::Api { status: 403, .. })),
        (404, "E0000007" | "E0000048") if route != Route::Token => matches!(verdict, Verdict::Final(Error::NotFound { .. })),
        (423 | 500..=504, _) if exchange.status != 501 => matches!(verdict, Verdict::Again { .. }),
        (status, _) => {
            matches!(verdict, Verdict::Final(Error::Api { status: found, .. }) if *found == status)
                || matches!(verdict, Verdict::Final(Error::Auth { .. }) | Verdict::Renew(Error::Auth { .. }))
        }
    };
    assert!(right, "{}: {} {code} became {verdict:?}", exchange.source, exchange.status);
    let error = match verdict {
        Verdict::Accept => return,
        Verdict::Again { error, .. } | Verdict::Wait { error, .. } => error,
        Verdict::Final(error) | Verdict::Ease(error) | Verdict::Nonce(error) | Verdict::Prove(error) | Verdict::Renew(error) => error,
    };
    if let Some(detail) = error.detail() {
        assert!(code.is_empty() || detail.code.as_deref() == Some(code), "{}: {detail:?}", exchange.source);
    }
    let summary = exchange.response_body["errorSummary"].as_str().unwrap_or("no summary");
    assert!(!format!("{error} {error:?}").contains(summary), "{}: the summary is in the error", exchange.source);
}

#[test]
fn recorded_traffic_is_decoded_or_becomes_the_right_error() {
    let Some(folder) = std::env::var_os("IDSYNC_REFERENCE").filter(|folder| !folder.is_empty()) else {
        println!("skipped: IDSYNC_REFERENCE names no folder with fixtures/okta-recorded.jsonl");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("fixtures/okta-recorded.jsonl")).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let exchange: Exchange = serde_json::from_str(line).unwrap();
        let Some(route) = exchange.route() else { continue };
        let (headers, body) = (exchange.headers(), exchange.body());
        let date = headers.get("date").and_then(|value| crate::clock::http_date(value.to_str().unwrap()));
        assert!(date.is_some() || !headers.contains_key("date"), "{}: the date is not read", exchange.source);
        let next = link::next_target(&headers).unwrap();
        let is_linked =
            exchange.response_headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("link") && value.contains("rel=\"next\""));
        assert_eq!(next.is_some(), is_linked, "{}?{}", exchange.path, exchange.query);
        let answer = Answer { status: exchange.status, headers, date, body: body.as_slice().into() };
        let verdict = judge(route, Some("0oa1"), &answer);
        if matches!(verdict, Verdict::Accept) {
            decode(&exchange, route, &body);
        } else {
            expect_refusal(&exchange, route, &verdict, &answer);
        }
        *counts.entry(format!("{route:?} {}", exchange.status)).or_default() += 1;
    }
    println!("{counts:#?}");
    for needed in ["Users 200", "User 200", "Groups 200", "Group 200", "Members 200", "Token 200", "Token 429", "Token 400", "User 404"] {
        assert!(counts.contains_key(needed), "no recording of {needed}");
    }
}
