//! How the org behaves where orgs differ, as the control API writes it.

use super::Refused;
use crate::org::{
    AdminApps, Compression, CustomRoles, DeletionInUse, GrantAgain, GrantsByApps, InactiveApps, KeyList, Labels, LifecycleBody, Network,
    Quirks, Statuses,
};
use serde_json::{Value, json};
use std::time::Duration;

const ADMIN_APPS: [(&str, AdminApps); 3] = [
    ("changed_by_all", AdminApps::ChangedByAll),
    ("changed_by_nobody", AdminApps::ChangedByNobody),
    ("changed_by_users", AdminApps::ChangedByUsers),
];
const COMPRESSION: [(&str, Compression); 2] = [("gzip", Compression::Gzip), ("none", Compression::None)];
const CUSTOM_ROLES: [(&str, CustomRoles); 3] =
    [("available", CustomRoles::Available), ("feature_missing", CustomRoles::FeatureMissing), ("forbidden", CustomRoles::Forbidden)];
const DELETION_IN_USE: [(&str, DeletionInUse); 2] = [("allowed", DeletionInUse::Allowed), ("refused", DeletionInUse::Refused)];
const GRANT_AGAIN: [(&str, GrantAgain); 3] =
    [("another", GrantAgain::Another), ("refused", GrantAgain::Refused), ("same_grant", GrantAgain::SameGrant)];
const GRANTS_BY_APPS: [(&str, GrantsByApps); 2] = [("allowed", GrantsByApps::Allowed), ("invalid_session", GrantsByApps::InvalidSession)];
const INACTIVE_APPS: [(&str, InactiveApps); 2] = [("listed", InactiveApps::Listed), ("listed_on_request", InactiveApps::ListedOnRequest)];
const KEY_LIST: [(&str, KeyList); 2] = [("bare", KeyList::Bare), ("wrapped", KeyList::Wrapped)];
const LABELS: [(&str, Labels); 2] = [("shared", Labels::Shared), ("unique", Labels::Unique)];
const LIFECYCLE_BODY: [(&str, LifecycleBody); 2] = [("empty", LifecycleBody::Empty), ("object", LifecycleBody::Object)];
const NETWORK: [(&str, Network); 2] = [("inside", Network::Inside), ("outside", Network::Outside)];
const STATUSES: [(&str, Statuses); 2] = [("documented", Statuses::Documented), ("recorded", Statuses::Recorded)];

/// Writes all of them.
pub(super) fn to_json(quirks: &Quirks) -> Value {
    json!({
        "admin_apps": name_of(&ADMIN_APPS, quirks.admin_apps),
        "app_quota": quirks.app_quota,
        "compression": name_of(&COMPRESSION, quirks.compression),
        "custom_roles": name_of(&CUSTOM_ROLES, quirks.custom_roles),
        "deletion_in_use": name_of(&DELETION_IN_USE, quirks.deletion_in_use),
        "grant_again": name_of(&GRANT_AGAIN, quirks.grant_again),
        "grant_delay_millis": quirks.grant_delay.as_millis() as u64,
        "grants_by_apps": name_of(&GRANTS_BY_APPS, quirks.grants_by_apps),
        "inactive_apps": name_of(&INACTIVE_APPS, quirks.inactive_apps),
        "key_list": name_of(&KEY_LIST, quirks.key_list),
        "labels": name_of(&LABELS, quirks.labels),
        "lifecycle_body": name_of(&LIFECYCLE_BODY, quirks.lifecycle_body),
        "network": name_of(&NETWORK, quirks.network),
        "role_delay_millis": quirks.role_delay.as_millis() as u64,
        "statuses": name_of(&STATUSES, quirks.statuses),
    })
}

/// Changes those that are named.
pub(super) fn change(quirks: &mut Quirks, value: &Value) -> Result<(), Refused> {
    let Value::Object(changes) = value else { return Err(Refused::NotUnderstood("the body must be an object".to_owned())) };
    for (name, value) in changes {
        match name.as_str() {
            "admin_apps" => quirks.admin_apps = named(&ADMIN_APPS, name, value)?,
            "app_quota" if value.is_null() => quirks.app_quota = None,
            "app_quota" => quirks.app_quota = Some(number(name, value)? as usize),
            "compression" => quirks.compression = named(&COMPRESSION, name, value)?,
            "custom_roles" => quirks.custom_roles = named(&CUSTOM_ROLES, name, value)?,
            "deletion_in_use" => quirks.deletion_in_use = named(&DELETION_IN_USE, name, value)?,
            "grant_again" => quirks.grant_again = named(&GRANT_AGAIN, name, value)?,
            "grant_delay_millis" => quirks.grant_delay = Duration::from_millis(number(name, value)?),
            "grants_by_apps" => quirks.grants_by_apps = named(&GRANTS_BY_APPS, name, value)?,
            "inactive_apps" => quirks.inactive_apps = named(&INACTIVE_APPS, name, value)?,
            "key_list" => quirks.key_list = named(&KEY_LIST, name, value)?,
            "labels" => quirks.labels = named(&LABELS, name, value)?,
            "lifecycle_body" => quirks.lifecycle_body = named(&LIFECYCLE_BODY, name, value)?,
            "network" => quirks.network = named(&NETWORK, name, value)?,
            "role_delay_millis" => quirks.role_delay = Duration::from_millis(number(name, value)?),
            "statuses" => quirks.statuses = named(&STATUSES, name, value)?,
            _ => return Err(Refused::NotUnderstood(format!("there is no quirk `{name}`; GET /emulator/quirks names all"))),
        }
    }
    Ok(())
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    all.iter().find(|(_, known)| *known == wanted).map_or("", |(name, _)| *name)
}

fn named<T: Copy>(all: &[(&'static str, T)], member: &str, value: &Value) -> Result<T, Refused> {
    let found = all.iter().find(|(name, _)| value.as_str() == Some(name));
    let names = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.map(|(_, found)| *found).ok_or_else(|| Refused::NotUnderstood(format!("`{member}` must be one of: {}", names())))
}

fn number(member: &str, value: &Value) -> Result<u64, Refused> {
    value.as_u64().ok_or_else(|| Refused::NotUnderstood(format!("`{member}` must be a number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_survive_the_way_through_json() {
        let wanted = json!({
            "admin_apps": "changed_by_nobody", "app_quota": 3, "compression": "gzip", "custom_roles": "forbidden", "deletion_in_use": "allowed",
            "grant_again": "another", "grant_delay_millis": 4, "grants_by_apps": "invalid_session", "inactive_apps": "listed_on_request",
            "key_list": "wrapped", "labels": "unique", "lifecycle_body": "empty", "network": "outside", "role_delay_millis": 5,
            "statuses": "documented",
        });
        let mut quirks = Quirks::default();
        let usual = to_json(&quirks);
        assert!(usual.as_object().unwrap().iter().all(|(name, value)| value != &wanted[name]), "each is changed");
        assert!(change(&mut quirks, &wanted).is_ok());
        assert_eq!(to_json(&quirks), wanted);
        assert!(change(&mut quirks, &usual).is_ok());
        assert_eq!(quirks, Quirks::default());
        assert!(change(&mut quirks, &json!({"labels": "loud"})).is_err() && change(&mut quirks, &json!({"nothing": 1})).is_err());
    }
}
