//! Groups, and who is in them.

use super::names::{DEPARTMENTS, TEAMS};
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::org::{Group, GroupCore, GroupType, Members};
use crate::random::Random;
use serde_json::{Map, Value, json};

/// Everyone and Okta Administrators.
const BUILT_IN: u32 = 2;
const FIRST_DAY: i64 = 1_546_300_800;

/// The built-in groups, then `count` others of which the first is the largest, with `memberships` in all but Everyone.
pub(super) fn groups(seed: u64, count: u32, users: u32, memberships: u64, base: &str) -> Vec<Option<Group>> {
    let admins = memberships.min(3).min(u64::from(users)).min(if count == 0 { u64::MAX } else { memberships / 4 });
    let sizes = sizes(count, users, memberships - admins);
    let everyone = built_in(seed, 0, "Everyone", "All users in your organization", Members::Everyone, base);
    let about = "Okta manages this group, which contains all administrators in your organization.";
    let admins = built_in(seed, 1, "Okta Administrators", about, Members::Listed((0..admins as u32).collect()), base);
    let others = sizes.into_iter().zip(BUILT_IN..).map(|(size, index)| Some(group(seed, index, users, size, base)));
    [Some(everyone), Some(admins)].into_iter().chain(others).collect()
}

fn built_in(seed: u64, index: u32, name: &str, description: &str, members: Members, base: &str) -> Group {
    let profile = Map::from_iter([("name".to_owned(), json!(name)), ("description".to_owned(), json!(description))]);
    Group::new(core(seed, index, GroupType::BuiltIn, FIRST_DAY, FIRST_DAY), &profile, members, base)
}

fn core(seed: u64, index: u32, kind: GroupType, created: i64, members_updated: i64) -> GroupCore {
    let source = (kind == GroupType::App).then(|| Id::new(seed, Kind::App, 1 + index % 5));
    let (created, members_updated) = (Moment::from_seconds(created), Moment::from_seconds(members_updated));
    GroupCore { id: Id::new(seed, Kind::Group, index), kind, source, created, updated: created, members_updated }
}

fn group(seed: u64, index: u32, users: u32, size: u32, base: &str) -> Group {
    let mut random = Random::new(seed, 2, u64::from(index));
    let kind = if random.chance(1, 6) { GroupType::App } else { GroupType::Okta };
    let name = format!("{} {} {index}", random.pick(&TEAMS), random.pick(&DEPARTMENTS));
    let description = match (kind, random.below(3)) {
        (GroupType::App, _) | (_, 0) => Value::Null,
        (_, 1) => json!(""),
        _ => json!(format!("{name}: asks for approval")),
    };
    let mut profile = Map::from_iter([("name".to_owned(), json!(name)), ("description".to_owned(), description)]);
    if kind == GroupType::Okta && random.chance(1, 5) {
        profile.insert("isSensitive".to_owned(), json!(random.chance(1, 2)));
        profile.insert("approvers".to_owned(), json!(["first@example.com", "second@example.com"]));
    }
    let created = FIRST_DAY + random.below(5 * 365 * 86_400) as i64;
    let changed = created + random.below(365 * 86_400) as i64;
    Group::new(core(seed, index, kind, created, changed), &profile, Members::Listed(members(users, size, &mut random)), base)
}

/// How many members each group has: by Zipf's law, but never more than there are users; the sum is `total` wherever it fits.
fn sizes(count: u32, users: u32, total: u64) -> Vec<u32> {
    let total = total.min(u64::from(count) * u64::from(users));
    let weight: f64 = (1..=count).map(|rank| 1.0 / f64::from(rank)).sum();
    let mut sizes: Vec<u32> =
        (1..=count).map(|rank| ((total as f64 / weight / f64::from(rank)) as u64).min(u64::from(users)) as u32).collect();
    let mut left = total.saturating_sub(sizes.iter().map(|&size| u64::from(size)).sum());
    // What rounding and full groups left over goes to the groups with room, the larger ones first.
    for size in &mut sizes {
        let more = left.min(u64::from(users - *size));
        *size += more as u32;
        left -= more;
    }
    sizes
}

/// `size` different users in ascending order: one out of each of `size` equal parts of all users.
fn members(users: u32, size: u32, random: &mut Random) -> Vec<u32> {
    let (users, size) = (u64::from(users), u64::from(size));
    let part = |number: u64| number * users / size;
    (0..size).map(|number| (part(number) + random.below(part(number + 1) - part(number))) as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_and_fall() {
        for (count, users, total) in [(12, 120, 600), (1, 5, 3), (50, 1000, 20_000), (3, 10, 30), (4, 10, 1000), (0, 10, 5)] {
            let sizes = sizes(count, users, total);
            assert_eq!(sizes.iter().map(|&size| u64::from(size)).sum::<u64>(), total.min(u64::from(count * users)));
            assert!(sizes.is_sorted_by(|one, two| one >= two), "{sizes:?}");
        }
    }

    #[test]
    fn members_are_different_and_sorted() {
        for (users, size) in [(10, 10), (1000, 1), (1000, 999), (7, 3), (5, 0)] {
            let members = members(users, size, &mut Random::new(1, 2, 3));
            assert_eq!(members.len(), size as usize);
            assert!(members.is_sorted_by(|one, two| one < two) && members.iter().all(|&member| member < users));
        }
    }
}
