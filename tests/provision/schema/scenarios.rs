//! Every call that provisioning and reading make, as it was sent.

use crate::world::{LABEL, World};
use idsync::engine::{DeltaPolicy, SyncEngine};
use idsync::okta::{
    AppSpec, Connection, Deprovisioned, Everyone, KeyKind, KeySource, NewKey, OktaProvider, PageSizes, RateShare, SigningKey, WantedRole,
};
use idsync::sqlite::SqliteFile;
use idsync_okta_emulator::{AppStatus, Dpop, KeyStatus, RequestEntry, Role};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A request of ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) content_type: Option<String>,
    pub(super) body: Option<Value>,
}

impl Sent {
    fn of(entry: &RequestEntry) -> Self {
        Self {
            method: entry.method.as_str().to_owned(),
            path: entry.path.clone(),
            query: entry.query.clone(),
            // The emulator refuses bodies of any other type, so whatever was done had this one.
            content_type: entry.body.as_ref().map(|_| "application/json".to_owned()),
            body: entry.body.clone(),
        }
    }
}

pub(super) async fn all() -> Vec<Sent> {
    let mut sent = Vec::new();
    for entries in [
        whole_life().await,
        standard_role().await,
        keys_elsewhere().await,
        another_key().await,
        share_of_the_limits().await,
        drifted().await,
        half_made_role().await,
        undone().await,
    ] {
        assert!(!entries.is_empty());
        // The token endpoint takes credentials, which the emulator does not keep.
        sent.extend(entries.iter().filter(|entry| entry.path != TOKEN).map(Sent::of));
    }
    sent.push(token_request().await);
    sent
}

async fn whole_life() -> Vec<RequestEntry> {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteFile::open(&folder.path().join("directory.db")).await.unwrap();
    let connection = world.apply(&world.spec()).await.unwrap();
    let org = world.emulator.org();
    let user = org.create_user(json!({"login": "leaver@example.com", "email": "leaver@example.com"}));
    let group = org.create_group("Made for a while", None);
    sync(&file, &connection, &world.key, DeltaPolicy::default()).await;
    let newcomer = org.create_user(json!({"login": "newcomer@example.com", "email": "newcomer@example.com"}));
    sync(&file, &connection, &world.key, DeltaPolicy::default()).await;
    let new = new_key(KeyKind::Rsa3072);
    let rotated = world.provisioner().rotate_key(&connection, &new, |_| Ok(())).await.unwrap();
    assert!(org.delete_user(&user) && org.delete_group(&group));
    sync(&file, &rotated, &new, DeltaPolicy::never()).await;
    world.provisioner().teardown(&rotated).await.unwrap();
    world.provisioner().revoke_setup_token().await.unwrap();
    let entries = entries(&world);
    let gone = [format!("/api/v1/users/{user}"), format!("/api/v1/groups/{group}")];
    for path in gone.into_iter().chain([format!("/api/v1/users/{newcomer}/groups")]) {
        assert!(entries.iter().any(|entry| entry.path == path), "what is gone or new is asked for by its id: {path}");
    }
    entries
}

/// Reads whatever can be read, in small pages.
async fn sync(file: &SqliteFile, connection: &Connection, key: &SigningKey, policy: DeltaPolicy) {
    let sizes = PageSizes::default().with_users(20).with_groups(5).with_members(10);
    let client = connection.client(key).unwrap().page_sizes(sizes).build().unwrap();
    let provider = OktaProvider::new(client).include_deprovisioned(Deprovisioned::Include).include_everyone(Everyone::Include);
    SyncEngine::builder(provider, file.store(), file.sink()).delta(policy).build().sync().await.unwrap();
}

async fn standard_role() -> Vec<RequestEntry> {
    let world = World::small().await;
    let spec = AppSpec::new(LABEL, KeySource::Private(new_key(KeyKind::Rsa3072))).unwrap();
    let connection = world.apply(&spec.with_role(WantedRole::ReadOnlyAdmin)).await.unwrap();
    world.provisioner().teardown(&connection).await.unwrap();
    entries(&world)
}

async fn keys_elsewhere() -> Vec<RequestEntry> {
    let world = World::small().await;
    for address in ["https://keys.example.com/jwks", "https://keys.example.com/moved"] {
        let spec = AppSpec::new(LABEL, KeySource::JwksUri(address.parse().unwrap())).unwrap();
        world.apply(&spec).await.unwrap();
    }
    entries(&world)
}

async fn another_key() -> Vec<RequestEntry> {
    let world = World::small().await;
    world.apply(&world.plain_spec()).await.unwrap();
    for kind in [KeyKind::Es256, KeyKind::Rsa3072] {
        let key = new_key(kind).public_jwk().unwrap();
        world.apply(&AppSpec::new(LABEL, KeySource::Public(key)).unwrap()).await.unwrap();
    }
    entries(&world)
}

async fn share_of_the_limits() -> Vec<RequestEntry> {
    let world = World::small().await;
    for percent in [75, 60] {
        world.apply(&world.plain_spec().with_rate_share(RateShare::percent(percent).unwrap())).await.unwrap();
    }
    entries(&world)
}

async fn drifted() -> Vec<RequestEntry> {
    let world = World::small().await;
    let app = world.apply(&world.spec()).await.unwrap().app_id;
    let org = world.emulator.org();
    assert!(org.take_away_grant(&app, "okta.groups.read") && org.grant_scope(&app, "okta.logs.read"));
    assert!(org.take_away_roles(&app) && org.give_role(&app, Role::SuperAdmin));
    assert!(org.set_key_status(&app, world.key.key_id(), KeyStatus::Inactive));
    assert!(org.set_app_dpop(&app, Dpop::NotRequired) && org.set_app_status(&app, AppStatus::Inactive));
    world.apply(&world.spec()).await.unwrap();
    entries(&world)
}

/// The custom role and the resource set were there before, and each lacks something.
async fn half_made_role() -> Vec<RequestEntry> {
    let world = World::small().await;
    let role =
        json!({"label": format!("{LABEL} (directory reader)"), "description": "Made by idsync, half", "permissions": ["okta.users.read"]});
    let users = format!("{}/api/v1/users", world.emulator.url());
    let set = json!({"label": format!("{LABEL} (users and groups)"), "description": "Made by idsync, half", "resources": [users]});
    for (path, body) in [("/api/v1/iam/roles", role), ("/api/v1/iam/resource-sets", set)] {
        world.post(path, body).await;
    }
    // Those were not requests of ours.
    world.emulator.clear_requests();
    world.apply(&world.plain_spec()).await.unwrap();
    entries(&world)
}

async fn undone() -> Vec<RequestEntry> {
    let world = World::small().await;
    world.emulator.org().set_access_delay(100_000);
    let provisioner = world.builder().grace(Duration::from_millis(300)).build().unwrap();
    let plan = provisioner.plan(&world.plain_spec()).await.unwrap();
    let error = provisioner.apply(&plan).await.unwrap_err();
    world.emulator.org().set_access_delay(0);
    provisioner.undo(&error.stands).await.unwrap();
    entries(&world)
}

fn entries(world: &World) -> Vec<RequestEntry> {
    world.emulator.requests().entries().to_vec()
}

fn new_key(kind: KeyKind) -> SigningKey {
    NewKey::generate(kind).unwrap().signing_key().clone()
}

const TOKEN: &str = "/oauth2/v1/token";

/// The request for an access token, as a server sees it that then refuses it.
async fn token_request() -> Sent {
    let world = World::small().await;
    let mut connection = world.apply(&world.plain_spec()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    connection.org = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::task::spawn_blocking(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let (head, body) = read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if head.starts_with("POST ") {
                return (head, body);
            }
        }
    });
    let provisioner = world.builder().grace(Duration::ZERO).build().unwrap();
    assert!(provisioner.verify(&connection, &world.key).await.is_err());
    let (head, body) = seen.await.unwrap();
    let target = head.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Sent {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        content_type: header(&head, "content-type").map(str::to_owned),
        body: Some(Value::Object(form(&body))),
    }
}

fn read_request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().filter_map(|line| line.split_once(": ")).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn form(body: &[u8]) -> Map<String, Value> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let unique: BTreeMap<_, _> = fields.iter().cloned().collect();
    assert_eq!(unique.len(), fields.len(), "a field is sent twice");
    unique.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}
