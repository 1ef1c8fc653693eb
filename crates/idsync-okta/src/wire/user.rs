//! Users.

use super::Record;
use super::object::{self, Members, Text};
use idsync_core::{AttributesBuilder, HeldRecord, Timestamps, User, UserId, UserStatus};
use serde::de::{Deserialize, Deserializer, MapAccess};

/// A user in a list or alone.
#[derive(Default)]
pub(crate) struct WireUser<'de> {
    id: Option<Text<'de>>,
    status: Option<Text<'de>>,
    profile: Option<UserProfile>,
    extra: AttributesBuilder,
    timestamps: Timestamps,
}

#[derive(Default)]
struct UserProfile {
    login: Option<String>,
    attributes: AttributesBuilder,
}

impl<'de> Members<'de> for WireUser<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => self.id = map.next_value()?,
            "status" => self.status = map.next_value()?,
            "profile" => self.profile = map.next_value()?,
            "created" => self.timestamps.created = object::instant(map)?,
            "lastUpdated" => self.timestamps.updated = object::instant(map)?,
            "statusChanged" => self.timestamps.status_changed = object::instant(map)?,
            "lastLogin" => self.timestamps.last_login = object::instant(map)?,
            // Links, secrets' metadata, and what moves without anything having changed.
            "_links" | "_embedded" | "credentials" | "activated" | "passwordChanged" | "transitioningToStatus" => object::skip(map)?,
            // Okta leaves out what is not set in some answers and sends `null` in others, so both mean the same.
            _ => self.extra.take_present(name, map)?,
        }
        Ok(())
    }
}

impl<'de> Members<'de> for UserProfile {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "login" => self.login = map.next_value()?,
            _ => self.attributes.take_present(name, map)?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for WireUser<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::object(deserializer)
    }
}

impl<'de> Deserialize<'de> for UserProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::object(deserializer)
    }
}

impl<'de> Record<'de> for WireUser<'de> {
    type Entry = User;

    fn into_entry(self) -> Result<User, HeldRecord> {
        let Some(Text(text)) = self.id else { return Err(HeldRecord::new(None, "the user has no id")) };
        let Ok(id) = UserId::new(&text) else { return Err(HeldRecord::new(None, "the user's id is not usable")) };
        let Some(Text(status)) = self.status else { return Err(HeldRecord::new(Some(text.into_owned()), "the user has no status")) };
        let profile = self.profile.unwrap_or_default();
        let mut user = User::new(id, UserStatus::from(&*status));
        user.login = profile.login;
        user.attributes = profile.attributes.finish();
        user.extra = self.extra.finish();
        user.timestamps = self.timestamps;
        Ok(user)
    }
}
