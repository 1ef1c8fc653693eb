//! Groups.

use super::Record;
use super::object::{self, Members, Text};
use idsync_core::{AttributesBuilder, Group, GroupId, GroupKind, HeldRecord, Timestamps};
use serde::de::{Deserialize, Deserializer, MapAccess};

/// A group in a list or alone.
#[derive(Default)]
pub(crate) struct WireGroup<'de> {
    id: Option<Text<'de>>,
    kind: Option<Text<'de>>,
    profile: Option<GroupProfile>,
    extra: AttributesBuilder,
    timestamps: Timestamps,
}

#[derive(Default)]
struct GroupProfile {
    name: Option<String>,
    attributes: AttributesBuilder,
}

impl<'de> Members<'de> for WireGroup<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => self.id = map.next_value()?,
            "type" => self.kind = map.next_value()?,
            "profile" => self.profile = map.next_value()?,
            "created" => self.timestamps.created = object::instant(map)?,
            "lastUpdated" => self.timestamps.updated = object::instant(map)?,
            "lastMembershipUpdated" => self.timestamps.members_updated = object::instant(map)?,
            "_links" | "_embedded" => object::skip(map)?,
            // Okta leaves out what is not set in some answers and sends `null` in others, so both mean the same.
            _ => self.extra.take_present(name, map)?,
        }
        Ok(())
    }
}

impl<'de> Members<'de> for GroupProfile {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = map.next_value()?,
            _ => self.attributes.take_present(name, map)?,
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for WireGroup<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::object(deserializer)
    }
}

impl<'de> Deserialize<'de> for GroupProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::object(deserializer)
    }
}

impl<'de> Record<'de> for WireGroup<'de> {
    type Entry = Group;

    fn into_entry(self) -> Result<Group, HeldRecord> {
        let Some(Text(text)) = self.id else { return Err(HeldRecord::new(None, "the group has no id")) };
        let Ok(id) = GroupId::new(&text) else { return Err(HeldRecord::new(None, "the group's id is not usable")) };
        let profile = self.profile.unwrap_or_default();
        let Some(name) = profile.name else { return Err(HeldRecord::new(Some(text.into_owned()), "the group has no name")) };
        let Some(Text(kind)) = self.kind else { return Err(HeldRecord::new(Some(text.into_owned()), "the group has no type")) };
        let mut group = Group::new(id, name).with_kind(kind_of(&kind));
        group.attributes = profile.attributes.finish();
        group.extra = self.extra.finish();
        group.timestamps = self.timestamps;
        Ok(group)
    }
}

fn kind_of(text: &str) -> GroupKind {
    match text {
        "APP_GROUP" => GroupKind::Imported,
        "BUILT_IN" => GroupKind::BuiltIn,
        "OKTA_GROUP" => GroupKind::Native,
        _ => GroupKind::Other(text.to_owned()),
    }
}
