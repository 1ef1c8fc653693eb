//! A group and its members.

use super::status::GroupType;
use crate::id::Id;
use crate::moment::Moment;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// A group, kept as the bytes that lists consist of.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    json: Box<[u8]>,
    profile: Range<u32>,
    pub(crate) core: GroupCore,
    pub(crate) members: Members,
}

/// What a group is apart from its profile and its members.
#[derive(Debug, Clone)]
pub(crate) struct GroupCore {
    pub(crate) id: Id,
    pub(crate) kind: GroupType,
    /// The app from which an imported group comes.
    pub(crate) source: Option<Id>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
    pub(crate) members_updated: Moment,
}

/// The members of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Members {
    /// Every user that was not deleted.
    Everyone,
    /// The users with these indexes, in ascending order. Those who were deleted meanwhile do not count.
    Listed(Vec<u32>),
}

impl Group {
    pub(crate) fn new(core: GroupCore, profile: &Map<String, Value>, members: Members, base: &str) -> Self {
        let (json, profile) = write(&core, profile, base);
        Self { json: json.into_boxed_slice(), profile, core, members }
    }

    /// The group as lists and the single read show it.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(crate) fn attributes(&self) -> Map<String, Value> {
        serde_json::from_slice(&self.json[self.profile.start as usize..self.profile.end as usize]).unwrap_or_default()
    }

    /// Takes over a changed core or profile.
    pub(crate) fn rewrite(&mut self, core: GroupCore, profile: &Map<String, Value>, base: &str) {
        let (json, range) = write(&core, profile, base);
        (self.json, self.profile, self.core) = (json.into_boxed_slice(), range, core);
    }
}

/// The group in the order of members that Okta uses (recorded), and where its profile is.
fn write(core: &GroupCore, profile: &Map<String, Value>, base: &str) -> (Vec<u8>, Range<u32>) {
    let GroupCore { kind, created, updated, members_updated, .. } = core;
    let id = core.id.escaped();
    let mut json = format!(
        r#"{{"id":"{id}","created":"{}","lastUpdated":"{}","lastMembershipUpdated":"{}","objectClass":["okta:user_group"],"type":"{kind}","profile":"#,
        created.text(),
        updated.text(),
        members_updated.text()
    );
    let start = json.len() as u32;
    // The name comes first, as recorded; the description is always there, if only as null.
    json.push_str(&format!(r#"{{"name":{},"description":{}"#, text(profile.get("name")), text(profile.get("description"))));
    for (name, value) in profile.iter().filter(|(name, _)| !matches!(name.as_str(), "name" | "description")) {
        json.push_str(&format!(",{}:{value}", json!(name)));
    }
    json.push('}');
    let end = json.len() as u32;
    let here = format!("{base}/api/v1/groups/{}", core.id.encoded());
    if let Some(source) = &core.source {
        json.push_str(&format!(r#","source":{{"id":"{}"}}"#, source.escaped()));
    }
    json.push_str(r#","_links":{"logo":[{"name":"medium","href":"https://static.example.com/group-medium.png","type":"image/png"},"#);
    json.push_str(r#"{"name":"large","href":"https://static.example.com/group-large.png","type":"image/png"}],"#);
    if let Some(source) = &core.source {
        json.push_str(&format!(r#""source":{{"href":"{base}/api/v1/apps/{}"}},"#, source.encoded()));
    }
    json.push_str(&format!(r#""users":{{"href":"{here}/users"}},"apps":{{"href":"{here}/apps"}}}}}}"#));
    (json.into_bytes(), start..end)
}

fn text(value: Option<&Value>) -> String {
    value.unwrap_or(&Value::Null).to_string()
}
