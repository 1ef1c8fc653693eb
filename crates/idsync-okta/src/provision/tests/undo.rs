//! Taking away what one call made, and nothing of anybody else.

use super::World;
use crate::provision::journal::{Journal, Made};
use serde_json::{Value, json};

fn custom(id: &str, role: &str, set: &str) -> Value {
    json!({"id": id, "type": "CUSTOM", "status": "ACTIVE", "role": role, "resource-set": set})
}

fn journal(made: impl IntoIterator<Item = Made>) -> Journal {
    let mut journal = Journal::default();
    made.into_iter().for_each(|made| journal.push(made));
    journal
}

fn assignment() -> Made {
    Made::Assignment { client_id: "0oa1".to_owned(), role: "CUSTOM".to_owned() }
}

async fn left_after(journal: Journal) -> Vec<Value> {
    let world = World::new().await;
    {
        let mut org = world.org();
        org.roles = vec![custom("irb7", "cr01", "iam9"), custom("irb8", "cr08", "iam1"), custom("irb9", "cr01", "iam1")];
        org.custom_role = Some(json!({"id": "cr01", "description": "Made by idsync"}));
        org.resource_set = Some(json!({"id": "iam1", "description": "Made by idsync"}));
        org.strangers = vec!["cr08".to_owned(), "iam9".to_owned()];
    }
    world.provisioner().undo(&journal).await.unwrap();
    let org = world.org();
    org.roles.iter().map(|role| role["id"].clone()).collect()
}

#[tokio::test]
async fn of_several_custom_roles_the_one_that_was_made_is_taken_away() {
    let role = Made::Role { role_id: "cr01".to_owned() };
    let set = Made::ResourceSet { resource_set_id: "iam1".to_owned() };
    assert_eq!(left_after(journal([role, set, assignment()])).await, ["irb7", "irb8"]);
}

/// The role was made by an earlier call; that it is ours says its description.
#[tokio::test]
async fn a_role_that_an_earlier_call_made_is_known_by_its_mark() {
    assert_eq!(left_after(journal([assignment()])).await, ["irb7", "irb8"]);
}
