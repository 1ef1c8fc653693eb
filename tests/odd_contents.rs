//! Texts that programs stumble over arrive as they came, and what looks alike is told apart by its id.

use idsync_okta_emulator::{GroupType, OktaEmulator, Status, Truth, TruthGroup, TruthUser};
use idsync_tests::{Contents, Sync, count};
use serde_json::{Map, Value, json};

/// Two spellings of what looks like the same letter, directions, marks, letters beyond the first plane, nothing at all.
const ODD: [&str; 14] = [
    "nul\u{0}inside",
    "\u{0}",
    "\u{feff}with a mark",
    "\u{202e}backwards\u{202c}",
    "العربية",
    "zo\u{eb}",
    "zoe\u{308}",
    "\u{1f9d1}\u{200d}\u{1f680}",
    "\u{10ffff}\u{fffe}",
    "",
    "   ",
    "line\nbreak\ttab\u{7f}\u{1b}[31m",
    "'; DROP TABLE users; -- \" \\ % _",
    "\u{0130}\u{131}\u{df}\u{fb01}",
];

/// Ids may be odd as well, as long as a person can print them.
const ODD_IDS: [&str; 7] = ["zo\u{eb}", "zoe\u{308}", "العربية", "\u{1f680}", "a'b\"c\\d", "per%cent", "UPPER"];

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// An org in which every odd text is a login, an attribute, a group's name and its description, and every odd id is a user's and a group's.
fn odd() -> Truth {
    let mut truth = Truth::default();
    for (n, text) in ODD.iter().enumerate() {
        let profile = object(json!({"login": text, "email": text, "lastName": text, (format!("odd {text}")): {"deep": [text]}}));
        truth.users.insert(format!("u{n}"), TruthUser::new(Status::Active, profile));
        let profile = object(json!({"name": text, "description": text}));
        truth.groups.insert(format!("g{n}"), TruthGroup::new(GroupType::Okta, profile));
        truth.memberships.insert((format!("g{n}"), format!("u{n}")));
    }
    for id in ODD_IDS {
        truth.users.insert(id.to_owned(), TruthUser::new(Status::Active, object(json!({"login": id, "email": "odd@example.com"}))));
        truth.groups.insert(id.to_owned(), TruthGroup::new(GroupType::Okta, object(json!({"name": id}))));
        truth.memberships.extend(ODD_IDS.map(|group| (group.to_owned(), id.to_owned())));
    }
    truth
}

#[tokio::test]
async fn p09_row20_odd_texts_arrive_as_they_came_and_are_not_normalised() {
    let emulator = OktaEmulator::builder().seed(81).users(10).groups(2).start().await.unwrap();
    let sync = Sync::new(&emulator);
    emulator.org().replace(&odd());
    let plan = sync.run(&["--plan"]);
    assert!(plan.stdout.contains("backwards") && plan.stdout.contains("line\\nbreak"), "{}", plan.stdout);
    assert_eq!(plan.stdout.chars().filter(|char| char.is_control() && *char != '\n').count(), 0, "{}", plan.stdout);
    assert!(!plan.stdout.contains(['\u{202e}', '\u{202c}']), "nothing turns what a person approves around");
    assert_eq!(sync.run(&[]).code, Some(0));
    let contents = Contents::of_database(&sync.database());
    assert_eq!(contents, Contents::of_org(&emulator));
    assert_eq!((contents.users.len(), contents.memberships.len()), (ODD.len() + ODD_IDS.len(), ODD.len() + ODD_IDS.len().pow(2)));
    let again = sync.run(&[]);
    assert!(again.code == Some(0) && again.stdout.contains("no changes"), "read back as it was written: {again:?}");

    // One spelling of a name becomes the other: a change, however alike they look.
    assert!(emulator.org().update_user("u5", &[("lastName", json!(ODD[6]))]));
    let (code, report) = sync.json(&[]);
    assert_eq!((code, &report["changes"]["user.updated"]), (Some(0), &json!(1)), "{report}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test]
async fn p07_row11_users_with_one_login_are_told_apart_by_their_ids() {
    let emulator = OktaEmulator::builder().seed(82).users(60).groups(3).start().await.unwrap();
    let sync = Sync::new(&emulator);
    let org = emulator.org();
    let person = |login: &str| json!({"login": login, "email": "same@example.com"});
    let (first, second) = (org.create_user(person("same@example.com")), org.create_user(person("same@example.com")));
    assert_eq!(sync.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));

    // A login changes hands within one run: it is given up before it is taken.
    assert!(org.update_user(&first, &[("login", json!("other@example.com"))]) && org.delete_user(&second));
    let third = org.create_user(person("same@example.com"));
    assert_eq!(sync.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    let sequence = |kind: &str, user: &str| {
        count(&sync.database(), &format!("SELECT max(sequence) FROM changes WHERE kind = '{kind}' AND user_id = '{user}'"))
    };
    assert!(sequence("user.updated", &first) < sequence("user.created", &third), "rename first, then create");
}
