//! Decoding pages as Okta sends them, against reading JSON without keeping anything.
//!
//! Floor: one pass of the same parser over the same bytes that checks the syntax and builds nothing.

use idsync::okta::decode;
use idsync_benches::{Spent, compare, measure};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::hint::black_box;

/// How often a page is read in one measurement.
const TIMES: usize = 200;

fn main() {
    let (users, members, groups) = (page(200, user), page(1_000, user), page(200, group));
    assert_eq!(decode::users(&users).expect("the page is decodable").items.len(), 200);
    assert_eq!(decode::members(&members).expect("the page is decodable").items.len(), 1_000);
    assert_eq!(decode::groups(&groups).expect("the page is decodable").items.len(), 200);
    println!("{TIMES} pages each; floor: a syntax check by the same parser");
    println!("  200 users ({} KiB)      {}", users.len() / 1024, compare(|| read(&users, decode::users), || syntax(&users)));
    println!("  1,000 members ({} KiB) {}", members.len() / 1024, compare(|| read(&members, decode::members), || syntax(&members)));
    println!("  200 groups ({} KiB)     {}", groups.len() / 1024, compare(|| read(&groups, decode::groups), || syntax(&groups)));
}

fn read<T>(page: &[u8], decode: impl Fn(&[u8]) -> Result<T, idsync::okta::Error>) -> Spent {
    measure(|| (0..TIMES).for_each(|_| drop(black_box(decode(black_box(page)).expect("the page is decodable"))))).1
}

fn syntax(page: &[u8]) -> Spent {
    let check = || _ = black_box(serde_json::from_slice::<IgnoredAny>(black_box(page)).expect("the page is JSON"));
    measure(|| (0..TIMES).for_each(|_| check())).1
}

fn page(entries: usize, entry: fn(usize) -> Value) -> Vec<u8> {
    serde_json::to_vec(&(0..entries).map(entry).collect::<Vec<_>>()).expect("values can be written as JSON")
}

fn user(number: usize) -> Value {
    json!({
        "id": format!("00u{number:017}"), "status": "ACTIVE",
        "created": "2024-03-19T08:01:48.000Z", "activated": null, "statusChanged": "2024-03-19T09:20:48.000Z",
        "lastLogin": "2026-03-27T11:05:20.000Z", "lastUpdated": "2026-01-07T10:11:12.000Z", "passwordChanged": null,
        "type": {"id": "oty00000000000000001"},
        "profile": {
            "firstName": format!("First{number}"), "lastName": format!("Last{}", number % 977), "mobilePhone": null, "secondEmail": "",
            "login": format!("person{number}@example.com"), "email": format!("person{number}@example.com"),
            "department": format!("Department {}", number % 31), "title": "Specialist for one thing and another",
            "city": format!("City {}", number % 113), "employeeNumber": format!("{number:07}"), "floor": number % 12, "remote": number.is_multiple_of(3),
            "skills": ["one thing", "another"]
        },
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": format!("https://acme.okta.com/api/v1/users/00u{number:017}")}}
    })
}

fn group(number: usize) -> Value {
    let link = |what: &str| json!({"href": format!("https://acme.okta.com/api/v1/groups/00g{number:017}/{what}")});
    json!({
        "id": format!("00g{number:017}"), "created": "2026-01-06T09:19:35.000Z", "lastUpdated": "2026-01-06T09:19:35.000Z",
        "lastMembershipUpdated": "2026-05-08T11:49:53.000Z", "objectClass": ["okta:user_group"], "type": "OKTA_GROUP",
        "profile": {"name": format!("Team {number}"), "description": "Those who do it"},
        "_links": {"logo": [{"name": "medium", "href": "https://ok.example/logo.png", "type": "image/png"}], "users": link("users"), "apps": link("apps")}
    })
}
