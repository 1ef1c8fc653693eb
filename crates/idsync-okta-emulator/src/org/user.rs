//! A user, kept as the bytes that lists consist of and the few values that lists are selected by.

use super::status::Status;
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::random::digest;
use serde_json::{Map, Value};
use std::io::Write;
use std::ops::Range;

/// A user as lists show it.
#[derive(Debug, Clone)]
pub(crate) struct User {
    json: Box<[u8]>,
    profile: Range<u32>,
    links: u32,
    pub(crate) core: UserCore,
}

/// What a user is apart from its profile.
#[derive(Debug, Clone)]
pub(crate) struct UserCore {
    pub(crate) id: Id,
    pub(crate) status: Status,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
    pub(crate) activated: Option<Moment>,
    pub(crate) status_changed: Option<Moment>,
    pub(crate) last_login: Option<Moment>,
    pub(crate) password_changed: Option<Moment>,
}

impl UserCore {
    /// Somebody who is new.
    pub(crate) fn fresh(id: Id, status: Status, now: Moment) -> Self {
        let activated = (status != Status::Staged).then_some(now);
        Self {
            id,
            status,
            created: now,
            updated: now,
            activated,
            status_changed: activated,
            last_login: None,
            password_changed: (status == Status::Active).then_some(now),
        }
    }

    /// The user type, and the realm if the user is in one.
    pub(super) fn belongings(&self) -> (Id, Option<Id>) {
        let traits = traits(self);
        (traits.type_id, traits.realm)
    }
}

impl User {
    /// A user whose profile is this JSON object.
    pub(crate) fn new(core: UserCore, profile: &[u8], base: &str) -> Self {
        let mut json = Vec::with_capacity(700 + profile.len());
        let (profile, links) = write(&mut json, &core, profile, base);
        Self { json: json.into_boxed_slice(), profile, links, core }
    }

    /// The user as one entry of a list.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(crate) fn profile(&self) -> &[u8] {
        &self.json[self.profile.start as usize..self.profile.end as usize]
    }

    pub(crate) fn attributes(&self) -> Map<String, Value> {
        serde_json::from_slice(self.profile()).unwrap_or_default()
    }

    /// The user as the single read shows it: with the links that its status allows.
    pub(crate) fn single(&self, base: &str) -> Vec<u8> {
        let mut json = self.json[..self.links as usize].to_vec();
        let id = self.core.id.encoded();
        let operations: &[(&str, &str)] = match self.core.status {
            Status::Active => &[
                ("suspend", "suspend"),
                ("resetPassword", "reset_password"),
                ("expirePassword", "expire_password"),
                ("deactivate", "deactivate"),
            ],
            Status::Deprovisioned => &[("activate", "activate"), ("delete", "")],
            Status::LockedOut => &[("unlock", "unlock"), ("deactivate", "deactivate")],
            Status::PasswordExpired | Status::Recovery => &[("resetPassword", "reset_password"), ("deactivate", "deactivate")],
            Status::Provisioned => &[("reactivate", "reactivate"), ("deactivate", "deactivate")],
            Status::Staged => &[("activate", "activate")],
            Status::Suspended => &[("unsuspend", "unsuspend"), ("deactivate", "deactivate")],
        };
        json.push(b'{');
        for (name, operation) in operations {
            // Writing to a vector cannot fail.
            _ = match *operation {
                "" => write!(json, r#""{name}":{{"href":"{base}/api/v1/users/{id}","method":"DELETE"}},"#),
                _ => write!(json, r#""{name}":{{"href":"{base}/api/v1/users/{id}/lifecycle/{operation}","method":"POST"}},"#),
            };
        }
        let type_id = traits(&self.core).type_id;
        _ = write!(json, r#""self":{{"href":"{base}/api/v1/users/{id}"}},"type":{{"href":"{base}/api/v1/meta/types/user/{type_id}"}}}}}}"#);
        json
    }
}

/// What does not change in a user's life and needs no place, because it follows from the id.
struct Traits {
    type_id: Id,
    realm: Option<Id>,
    provider: &'static str,
    emails: bool,
}

fn traits(core: &UserCore) -> Traits {
    let number = digest(0, core.id.as_str().as_bytes());
    // The last characters name the org, so that all its users share types and realms.
    let text = core.id.as_str().as_bytes();
    let org = digest(1, &text[text.len().saturating_sub(3)..]);
    Traits {
        type_id: Id::new(org, Kind::UserType, u32::from(number.is_multiple_of(16))),
        realm: (number >> 8).is_multiple_of(5).then(|| Id::new(org, Kind::Realm, (number >> 16) as u32 % 3)),
        provider: match (number >> 24) % 20 {
            0 => "IMPORT",
            1 => "ACTIVE_DIRECTORY",
            _ => "OKTA",
        },
        emails: (number >> 32).is_multiple_of(12),
    }
}

/// Appends the user in the order of members that Okta uses (recorded); returns where the profile and the value of `_links` are.
fn write(json: &mut Vec<u8>, core: &UserCore, profile: &[u8], base: &str) -> (Range<u32>, u32) {
    let traits = traits(core);
    json.extend_from_slice(br#"{"id":""#);
    json.extend_from_slice(core.id.escaped().as_bytes());
    json.extend_from_slice(br#"","status":""#);
    json.extend_from_slice(core.status.as_str().as_bytes());
    json.push(b'"');
    time(json, "created", Some(core.created));
    time(json, "activated", core.activated);
    time(json, "statusChanged", core.status_changed);
    time(json, "lastLogin", core.last_login);
    time(json, "lastUpdated", Some(core.updated));
    time(json, "passwordChanged", core.password_changed);
    if let Some(realm) = traits.realm {
        json.extend_from_slice(br#","realmId":""#);
        json.extend_from_slice(realm.as_str().as_bytes());
        json.push(b'"');
    }
    json.extend_from_slice(br#","type":{"id":""#);
    json.extend_from_slice(traits.type_id.as_str().as_bytes());
    json.extend_from_slice(br#""},"profile":"#);
    let start = json.len() as u32;
    json.extend_from_slice(profile);
    let end = json.len() as u32;
    json.extend_from_slice(br#","credentials":{"#);
    if core.password_changed.is_some() {
        json.extend_from_slice(br#""password":{},"#);
    }
    if traits.emails
        && let Some(email) = text_member(profile, "email")
    {
        json.extend_from_slice(br#""emails":[{"value":"#);
        json.extend_from_slice(email);
        json.extend_from_slice(br#","status":"VERIFIED","type":"PRIMARY"}],"#);
    }
    json.extend_from_slice(br#""provider":{"type":""#);
    json.extend_from_slice(traits.provider.as_bytes());
    json.extend_from_slice(br#"","name":""#);
    json.extend_from_slice(traits.provider.as_bytes());
    json.extend_from_slice(br#""}},"_links":"#);
    let links = json.len() as u32;
    json.extend_from_slice(br#"{"self":{"href":""#);
    json.extend_from_slice(base.as_bytes());
    json.extend_from_slice(b"/api/v1/users/");
    json.extend_from_slice(core.id.encoded().as_bytes());
    json.extend_from_slice(br#""}}}"#);
    (start..end, links)
}

fn time(json: &mut Vec<u8>, name: &str, moment: Option<Moment>) {
    json.extend_from_slice(b",\"");
    json.extend_from_slice(name.as_bytes());
    match moment {
        Some(moment) => {
            json.extend_from_slice(b"\":\"");
            moment.write(json);
            json.push(b'"');
        }
        None => json.extend_from_slice(b"\":null"),
    }
}

/// The text of a string member of a flat object, in its quotes and as it was escaped; quick, for it runs once per user.
pub(crate) fn text_member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = object;
    loop {
        let at = rest
            .windows(name.len() + 4)
            .position(|window| window[0] == b'"' && &window[1..=name.len()] == name.as_bytes() && window[name.len() + 1..] == *b"\":\"")?;
        let value = &rest[at + name.len() + 3..];
        let is_name = matches!(rest[..at].last(), Some(b'{' | b',') | None);
        let mut escaped = false;
        let end = value.iter().skip(1).position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        if is_name {
            return value.get(..end + 2);
        }
        rest = &value[end + 2..];
    }
}
