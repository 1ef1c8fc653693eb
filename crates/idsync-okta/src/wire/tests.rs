use super::member::{Member, WireMember, plain_members};
use super::*;
use idsync_core::{Group, GroupKind, Lifecycle, User, UserStatus};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use serde_json::{Value, json};

fn users(body: &Value) -> Page<User> {
    page::<WireUser<'_>>(body.to_string().as_bytes()).unwrap()
}

fn groups(body: &Value) -> Page<Group> {
    page::<WireGroup<'_>>(body.to_string().as_bytes()).unwrap()
}

fn ana() -> Value {
    json!({
        "id": "00u1", "status": "ACTIVE", "created": "2025-03-19T08:01:48.000Z", "activated": null,
        "statusChanged": "2025-03-19T09:20:48.000Z", "lastLogin": "2026-03-27T11:05:20.000Z",
        "lastUpdated": "2026-01-07T10:11:12.000Z", "passwordChanged": null, "realmId": "guo1", "type": {"id": "oty1"},
        "profile": {"firstName": "Ana", "lastName": "Sousa", "mobilePhone": null, "secondEmail": "", "login": "ana@example.com",
                    "badge": 7, "roles": ["a", "b"], "onCall": true},
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}}, "_links": {"self": {"href": "https://acme.okta.com"}}
    })
}

#[test]
fn p09_a_user_keeps_everything_but_links_credentials_and_volatile_timestamps() {
    let page = users(&json!([ana()]));
    let user = &page.items[0];
    assert_eq!((user.id.as_str(), user.login.as_deref()), ("00u1", Some("ana@example.com")));
    assert_eq!(user.status, UserStatus::Active);
    let names: Vec<_> = user.attributes.names().collect();
    assert_eq!(names, ["badge", "firstName", "lastName", "onCall", "roles", "secondEmail"]);
    assert_eq!(user.attributes.get("badge"), Some(json!(7)));
    assert_eq!(user.attributes.get("roles"), Some(json!(["a", "b"])));
    assert_eq!(user.attributes.get("secondEmail"), Some(json!("")));
    let extra: Vec<_> = user.extra.names().collect();
    assert_eq!(extra, ["realmId", "type"]);
    assert_eq!(user.timestamps.last_login.unwrap().to_string(), "2026-03-27T11:05:20.000Z");
}

#[test]
fn p06_null_and_missing_and_a_login_make_no_difference_in_content() {
    let mut other = ana();
    other["profile"].as_object_mut().unwrap().remove("mobilePhone");
    other["profile"]["title"] = Value::Null;
    other["lastLogin"] = json!("2026-04-01T00:00:00.000Z");
    other["passwordChanged"] = json!("2026-04-01T00:00:00.000Z");
    other["transitioningToStatus"] = json!("PROVISIONED");
    other["activated"] = json!("not a time");
    let page = users(&json!([ana(), other]));
    assert!(page.items[0].same_content(&page.items[1]));
}

#[test]
fn p09_row21_unknown_statuses_kinds_and_members_are_kept() {
    let page = users(&json!([{"id": "00u1", "status": "ACTIVATING", "shoeSize": {"eu": 43}}]));
    assert_eq!(page.items[0].status, UserStatus::Other("ACTIVATING".to_owned()));
    assert_eq!(page.items[0].lifecycle(), Lifecycle::Pending);
    assert_eq!(page.items[0].extra.get("shoeSize"), Some(json!({"eu": 43})));
    let page = groups(&json!([{"id": "00g1", "type": "TEAM", "profile": {"name": "n"}}]));
    assert_eq!(page.items[0].kind, GroupKind::Other("TEAM".to_owned()));
}

#[test]
fn a_group_has_its_kind_its_source_and_its_description() {
    let page = groups(&json!([
        {"id": "00g1", "type": "BUILT_IN", "objectClass": ["okta:user_group"], "lastMembershipUpdated": "2026-05-08T11:49:53.000Z",
         "profile": {"name": "Everyone", "description": "All users"}, "_links": {"logo": []}},
        {"id": "00g2", "type": "APP_GROUP", "source": {"id": "0oa1"}, "profile": {"name": "dev", "description": null, "dn": "CN=dev"}},
        {"id": "00g3", "type": "OKTA_GROUP", "profile": {"name": "日本 🎌", "description": ""}}
    ]));
    assert_eq!(page.held, []);
    let kinds: Vec<_> = page.items.iter().map(|group| group.kind.clone()).collect();
    assert_eq!(kinds, [GroupKind::BuiltIn, GroupKind::Imported, GroupKind::Native]);
    assert_eq!(page.items[0].attributes.text("description").as_deref(), Some("All users"));
    assert!(page.items[0].timestamps.members_updated.is_some());
    assert_eq!(page.items[1].attributes.raw("description"), None);
    assert_eq!(page.items[1].extra.get("source"), Some(json!({"id": "0oa1"})));
    assert_eq!((page.items[2].name.as_str(), page.items[2].attributes.text("description").as_deref()), ("日本 🎌", Some("")));
}

#[test]
fn p05_row20_row21_row22_a_bad_record_is_held_with_its_id_and_the_others_are_read() {
    for bad in [
        json!({"id": "bad", "status": 7}),
        json!({"id": "bad", "status": null}),
        json!({"id": "bad"}),
        json!({"id": "bad", "status": "ACTIVE", "profile": "text"}),
        json!({"id": "bad", "status": "ACTIVE", "profile": {"login": 5}}),
    ] {
        let page = users(&json!([ana(), bad, ana()]));
        assert_eq!(page.items.len(), 2, "{bad}");
        assert_eq!(page.held.iter().map(|held| held.id.as_deref()).collect::<Vec<_>>(), [Some("bad")], "{bad}");
    }
    for bad in [json!({"status": "ACTIVE"}), json!({"id": 5, "status": "ACTIVE"}), json!({"id": ""}), json!("text"), json!(null), json!([])]
    {
        let page = users(&json!([ana(), bad]));
        assert_eq!((page.items.len(), page.held.len(), page.held[0].id.as_deref()), (1, 1, None), "{bad}");
    }
    for bad in [
        json!({"id": "bad", "type": "OKTA_GROUP"}),
        json!({"id": "bad", "profile": {"name": "n"}}),
        json!({"id": "bad", "profile": {"name": 1}}),
    ] {
        assert_eq!(groups(&json!([bad])).held[0].id.as_deref(), Some("bad"));
    }
    let surrogate = br#"[{"id":"a","status":"ACTIVE","profile":{"x":"\ud800"}},{"id":"b","status":"ACTIVE"}]"#;
    let page = page::<WireUser<'_>>(surrogate).unwrap();
    assert_eq!((page.items.len(), page.held[0].id.as_deref()), (1, Some("a")));
}

#[test]
fn members_are_ids_and_whether_they_are_deactivated() {
    let body = json!([{"id": "00u1", "status": "ACTIVE", "profile": {"login": 5}}, {"id": "00u2", "status": "DEPROVISIONED"}, {"status": "ACTIVE"}]);
    let page = members(body.to_string().as_bytes()).unwrap();
    let read: Vec<_> = page.items.iter().map(|Member { id, is_deprovisioned }| (id.as_str(), *is_deprovisioned)).collect();
    assert_eq!(read, [("00u1", false), ("00u2", true)]);
    assert_eq!(page.held.len(), 1);
}

#[test]
fn row06_row19_a_page_that_is_cut_off_or_no_list_or_too_deep_is_a_fault_of_the_page() {
    let read = |body: &[u8]| page::<WireUser<'_>>(body).map(|page| page.items.len());
    assert_eq!(read(b"[]"), Ok(0));
    for cut in [&b"["[..], b"[{\"id\":\"a\",\"status\":\"AC", b"", b"<html>", b"[{}] x", b"[\"\xff\"]"] {
        assert_eq!(read(cut), Err(DecodeFault::NotJson), "{:?}", String::from_utf8_lossy(cut));
    }
    assert_eq!(read(b"{}"), Err(DecodeFault::NotTheShape));
    let spoilt = |at: &str| [format!(r#"[{{"id":"a","status":"ACTIVE","{at}":""#).as_bytes(), b"\xff\"}]"].concat();
    assert_eq!(read(&spoilt("_links")), Ok(1), "what is passed over may be anything");
    assert_eq!(read(&spoilt("realmId")), Err(DecodeFault::NotJson));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(nested(65).as_bytes()), Err(DecodeFault::TooDeep));
    assert_eq!(read(nested(100_000).as_bytes()), Err(DecodeFault::TooDeep));
    let brackets = json!([{"id": "a", "status": "ACTIVE", "profile": {"x": "[".repeat(100), "y": "\"[[[\\"}}]);
    assert_eq!(read(brackets.to_string().as_bytes()), Ok(1));
}

#[test]
fn the_org_names_itself_and_its_hosts() {
    let body = br#"{"id":"00o1","pipeline":"idx","_links":{"organization":{"href":"https://acme.okta.com"},"alternate":{"href":"https://login.acme.example"}}}"#;
    let org = org::org(body).unwrap();
    assert_eq!((org.id.as_str(), org.hosts.as_slice()), ("00o1", &["acme.okta.com".to_owned(), "login.acme.example".to_owned()][..]));
    assert!(org::org(b"{\"id\":null}").is_err() && org::org(b"<html>").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn row20_any_bytes_are_read_without_a_panic(body in any::<Vec<u8>>(), text in "[\\[\\]{}:,\"a-z0-9 \\\\]{0,80}") {
        for body in [&body[..], text.as_bytes()] {
            _ = page::<WireUser<'_>>(body);
            _ = page::<WireGroup<'_>>(body);
            _ = members(body);
            _ = single::<WireUser<'_>>(body);
            _ = org::org(body);
            _ = token::token(body);
        }
    }

    #[test]
    fn p05_a_page_of_members_is_scanned_as_it_is_parsed(
        rows in vec(row(), 0..6),
        spoils in vec((any::<Index>(), "[\\[\\]{}:,\"\\\\a-z0-9\\x00-\\x20\u{e9}]{0,3}", 0_usize..3), 0..3),
    ) {
        let mut body = format!("[{}]", rows.join(",")).into_bytes();
        agrees(&body);
        for (place, put, taken) in spoils {
            let start = place.index(body.len() + 1);
            let end = body.len().min(start + taken);
            body.splice(start..end, put.into_bytes());
            agrees(&body);
        }
    }
}

/// Wherever the scan of a page has a result, it is that of the parser, and nothing was wrong.
fn agrees(body: &[u8]) {
    if let Some(scanned) = plain_members(body) {
        let text = String::from_utf8_lossy(body);
        let parsed = page::<WireMember<'_>>(body).unwrap_or_else(|fault| panic!("{fault:?}: {text}"));
        assert_eq!((scanned, Vec::new()), (parsed.items, parsed.held), "{text}");
    }
}

/// Something that may stand in a page of members: mostly a user, with oddities of all kinds.
fn row() -> impl Strategy<Value = String> {
    let names =
        [r#""id""#, r#""id""#, r#""status""#, r#""status""#, r#""profile""#, r#""\u0069d""#, r#""idé""#, r#""""#, r#""_links""#, "id"];
    let values = [
        r#""DEPROVISIONED""#,
        r#""DEPROVISIONE\u0044""#,
        r#""é\n\ud800""#,
        "null",
        "-1.5e3",
        "true",
        r#"{"id":"inner","status":[1,{"id":{}}]}"#,
        "[ ]",
        "\"a\nb\"",
    ];
    let value = prop_oneof![
        4 => "\"[a-zA-Z0-9]{0,24}\"",
        2 => select(values.to_vec()).prop_map(str::to_owned),
        1 => (60_usize..66).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    ];
    let member = (select(names.to_vec()), value).prop_map(|(name, value)| format!("{name}: {value}"));
    // Whatever is odd shows best in a record that is whole without it.
    let record = (vec(member, 0..3), prop_oneof![Just(None), (0_usize..3).prop_map(Some)]).prop_map(|(mut members, whole)| {
        if let Some(at) = whole {
            members.insert(at.min(members.len()), r#""id":"00u1","status":"ACTIVE""#.to_owned());
        }
        format!("{{{}}}", members.join(" ,"))
    });
    let plain = [r#"{"id":"00u1","status":"ACTIVE"}"#, r#"{"id":"00u2","status":"ACTIVE","x":[1]}"#];
    let odd = ["null", r#"["a","b"]"#];
    prop_oneof![3 => record, 9 => select(plain.to_vec()).prop_map(str::to_owned), 1 => select(odd.to_vec()).prop_map(str::to_owned)]
}

#[test]
fn usual_pages_of_members_are_only_scanned() {
    let body =
        json!([ana(), {"id": "00u2", "status": "DEPROVISIONED"}, {"profile": {"id": "\"\n", "login": "é"}, "status": "A", "id": "ü"}]);
    let ids = |body: &str| {
        plain_members(body.as_bytes()).map(|members| members.into_iter().map(|member| member.id.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(ids(&body.to_string()).unwrap(), ["00u1", "00u2", "ü"]);
    assert_eq!(ids(&format!("\n{body:#}\r\n")).unwrap(), ["00u1", "00u2", "ü"]);
    assert_eq!(ids(" [ ] ").unwrap(), [] as [&str; 0]);
    for odd in [
        r#"[{"id":"a","status":"B","id":"a"}]"#,
        r#"[{"id":"a","status":null}]"#,
        r#"[{"id":"a"}]"#,
        r#"[{"id":"","status":"B"}]"#,
        r#"[{"\u0069d":"a","status":"B"}]"#,
        r#"[{"id":"\u0061","status":"B"}]"#,
        r#"[{"id":5,"status":"B"}]"#,
        "[null]",
        "{}",
        r#"[{"id":"a","status":"B"}"#,
        r#"[{"id":"a","status":"B"},]"#,
        r#"[{"id":"a","status":"B",}]"#,
        r#"[{"id":"a","status":"B"}]]"#,
    ] {
        assert_eq!(plain_members(odd.as_bytes()), None, "{odd}");
    }
    assert_eq!(plain_members(b"[{\"id\":\"a\",\"status\":\"B\",\"\xff\":1}]"), None);
    let nested = |depth: usize| format!(r#"[{{"id":"a","status":"B","x":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(ids(&nested(MAX_DEPTH - 2)).unwrap(), ["a"]);
    assert_eq!(plain_members(nested(MAX_DEPTH - 1).as_bytes()), None);
    assert_eq!(members(nested(MAX_DEPTH - 1).as_bytes()).unwrap_err(), DecodeFault::TooDeep);
}
