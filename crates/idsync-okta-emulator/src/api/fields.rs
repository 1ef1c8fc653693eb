//! Which members of a user are asked for.

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The value of `fields`: `id,status,profile:(login,email)`. The id is always shown (Okta reference, List all users).
#[derive(Debug, Default)]
pub(super) struct Fields {
    members: BTreeSet<String>,
    /// Those of the profile; all of them when the profile is named without a list.
    profile: Option<BTreeSet<String>>,
}

impl Fields {
    pub(super) fn parse(text: &str) -> Self {
        let names = |list: &str| list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>();
        let mut fields = match text.split_once("profile:(").and_then(|(before, rest)| Some((before, rest.split_once(')')?))) {
            Some((before, (profile, after))) => {
                let members = names(before).into_iter().chain(names(after)).chain(["profile".to_owned()]).collect();
                Self { members, profile: Some(names(profile)) }
            }
            None => Self { members: names(text), profile: None },
        };
        fields.members.insert("id".to_owned());
        fields
    }

    /// A user with nothing but what is asked for.
    pub(super) fn of<'a>(&self, user: &'a [u8]) -> Cow<'a, [u8]> {
        let Ok(Value::Object(mut user)) = serde_json::from_slice(user) else { return Cow::Borrowed(user) };
        user.retain(|name, _| self.members.contains(name));
        if let (Some(asked), Some(profile)) = (&self.profile, user.get_mut("profile").and_then(Value::as_object_mut)) {
            let keep = |profile: &mut Map<String, Value>| profile.retain(|name, _| asked.contains(name));
            keep(profile);
        }
        // A map of JSON values is always JSON.
        Cow::Owned(serde_json::to_vec(&user).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_shown_and_the_id() {
        let user = br#"{"id":"00u1","status":"ACTIVE","type":{"id":"t"},"profile":{"login":"a","email":"b","title":null}}"#;
        let shown = |fields: &str| String::from_utf8(Fields::parse(fields).of(user).into_owned()).unwrap();
        assert_eq!(shown("status"), r#"{"id":"00u1","status":"ACTIVE"}"#);
        assert_eq!(
            shown("id,profile:(login,title,unknown),type"),
            r#"{"id":"00u1","profile":{"login":"a","title":null},"type":{"id":"t"}}"#
        );
        assert_eq!(shown("profile"), r#"{"id":"00u1","profile":{"email":"b","login":"a","title":null}}"#);
    }
}
