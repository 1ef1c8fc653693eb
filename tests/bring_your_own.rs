//! The example sink and the example provider keep the contracts that ours keep, shown by the same suites.

#[path = "../examples/custom_provider.rs"]
#[expect(dead_code, reason = "the program's `main` is not called here")]
mod custom_provider;
#[path = "../examples/custom_sink.rs"]
#[expect(dead_code, reason = "the program's `main` is not called here")]
mod custom_sink;

use async_trait::async_trait;
use custom_provider::Personnel;
use custom_sink::AccessList;
use idsync::conformance::provider::{self, Fault, Injected, ProviderFixture};
use idsync::conformance::sink::{self, SinkFixture};
use idsync::{DirectorySink, Group, IdentityProvider, Result, Snapshot, WholeRead};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A personnel system that the suite fills.
struct System(MockServer);

impl System {
    async fn answer(&self, answer: ResponseTemplate) {
        self.0.reset().await;
        Mock::given(path("/document")).respond_with(answer).mount(&self.0).await;
    }
}

#[async_trait]
impl ProviderFixture for System {
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
        let users = world.users().map(|user| {
            let mut profile: Map<String, Value> = user.attributes.clone().into_iter().collect();
            profile.extend(user.login.clone().map(|login| ("login".to_owned(), json!(login))));
            (user.id.to_string(), json!({"status": user.status, "profile": profile}))
        });
        let groups = world.groups().map(|group| (group.id.to_string(), json!({"profile": {"name": group.name}})));
        let memberships: Vec<_> = world.memberships().map(|membership| (&membership.group, &membership.user)).collect();
        let (users, groups): (Map<_, _>, Map<_, _>) = (users.collect(), groups.collect());
        self.answer(ResponseTemplate::new(200).set_body_json(json!({"users": users, "groups": groups, "memberships": memberships}))).await;
        Ok(Arc::new(WholeRead::new(Personnel(format!("{}/document", self.0.uri())))))
    }

    /// The login stays among the attributes; of groups only the name is known.
    fn shown(&self, world: &Snapshot) -> Snapshot {
        let mut shown = Snapshot::builder();
        for user in world.users() {
            let mut user = user.clone();
            user.login.clone().map(|login| user.attributes.insert("login", login));
            user.extra = idsync::Attributes::new();
            shown.user(user);
        }
        world.groups().for_each(|group| _ = shown.group(Group::new(group.id.clone(), group.name.clone())));
        world.memberships().for_each(|membership| _ = shown.membership(membership.clone()));
        shown.finish()
    }

    async fn inject(&self, fault: &Fault) -> Result<Injected> {
        match fault {
            Fault::Break(_) => self.answer(ResponseTemplate::new(200).set_body_string("{\"users\": {\"1\": {")).await,
            Fault::Deny(_) => {
                self.answer(ResponseTemplate::new(200).set_body_json(json!({"users": {}, "groups": {}, "memberships": []}))).await
            }
            _ => return Ok(Injected::NotOffered),
        }
        Ok(Injected::Done)
    }
}

#[tokio::test]
async fn the_example_provider_keeps_every_promise() {
    let report = provider::all(&System(MockServer::start().await)).await;
    println!("{report}");
    report.assert_passed();
}

/// Access lists, each in a folder of its own.
struct Lists;

struct Place(TempDir);

impl Place {
    fn list(&self) -> PathBuf {
        self.0.path().join("access.json")
    }
}

#[async_trait]
impl SinkFixture for Lists {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Ok(Place(tempfile::tempdir().unwrap()))
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn DirectorySink>> {
        Ok(Arc::new(AccessList(place.list())))
    }

    async fn observe(&self, place: &Place) -> Result<Option<String>> {
        Ok(Some(std::fs::read_to_string(place.list()).unwrap_or_else(|_| String::from("{}"))))
    }
}

#[tokio::test]
async fn the_example_sink_keeps_every_promise() {
    let report = sink::all(&Lists).await;
    println!("{report}");
    report.assert_passed();
}

#[test]
fn the_examples_are_as_short_as_they_are_said_to_be() {
    for example in [include_str!("../examples/custom_sink.rs"), include_str!("../examples/custom_provider.rs")] {
        let code = example.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count();
        assert!(code < 60, "{code} lines of code");
    }
}
