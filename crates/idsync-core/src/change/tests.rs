use super::*;
use crate::attributes::tests::pairs;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use std::collections::BTreeMap;

/// What is compared of an entry, by field.
type Fields = BTreeMap<String, Value>;

fn user() -> impl Strategy<Value = (User, Fields)> {
    let login = proptest::option::of(select(vec!["", "ana", "ben"]));
    (login, select(vec!["ACTIVE", "SUSPENDED", "NEW"]), pairs(), pairs()).prop_map(|(login, status, attributes, extra)| {
        let mut fields = fields(&attributes, &extra);
        fields.insert("status".to_owned(), status.into());
        fields.extend(login.map(|login| ("login".to_owned(), login.into())));
        let mut user = User::new(UserId::new("u").unwrap(), status.into());
        user.login = login.map(str::to_owned);
        (user.attributes, user.extra) = (attributes.into_iter().collect(), extra.into_iter().collect());
        (user, fields)
    })
}

fn group() -> impl Strategy<Value = (Group, Fields)> {
    (select(vec!["", "Staff"]), any::<bool>(), pairs(), pairs()).prop_map(|(name, is_built_in, attributes, extra)| {
        let kind = if is_built_in { crate::GroupKind::BuiltIn } else { crate::GroupKind::Native };
        let mut fields = fields(&attributes, &extra);
        fields.insert("name".to_owned(), name.into());
        fields.insert("kind".to_owned(), kind.as_str().into());
        let mut group = Group::new(GroupId::new("g").unwrap(), name).with_kind(kind);
        (group.attributes, group.extra) = (attributes.into_iter().collect(), extra.into_iter().collect());
        (group, fields)
    })
}

fn fields(attributes: &[(String, Value)], extra: &[(String, Value)]) -> Fields {
    let attributes = attributes.iter().map(|(name, value)| (format!("attributes.{name}"), value.clone()));
    attributes.chain(extra.iter().map(|(name, value)| (format!("extra.{name}"), value.clone()))).collect()
}

/// What differs, by field name.
fn differing(before: &Fields, after: &Fields) -> Vec<FieldChange> {
    let all: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let sides = all.into_iter().map(|field| (field, before.get(field), after.get(field)));
    sides
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| FieldChange::new(field, before.cloned(), after.cloned()))
        .collect()
}

/// Two of which the second often is the first.
fn two<T: Clone + fmt::Debug + 'static>(one: impl Strategy<Value = T> + Clone + 'static) -> impl Strategy<Value = (T, T)> {
    prop_oneof![4 => (one.clone(), one.clone()), 1 => one.prop_map(|one| (one.clone(), one))]
}

fn key(change: &Change) -> IdempotencyKey {
    change.idempotency_key(&DirectoryId::new("d").unwrap(), Revision(1))
}

#[test]
fn keys_of_created_entries_differ_in_whatever_differs() {
    let user = || User::new(UserId::new("u").unwrap(), "ACTIVE".into());
    let mut users = vec![user(), user().with_login(""), user().with_login("a"), user().with_attribute("a", 1), user()];
    users[4].extra.insert("a", 1);
    users.push(User::new(UserId::new("u").unwrap(), "STAGED".into()));
    let group = || Group::new(GroupId::new("g").unwrap(), "g");
    let mut groups = vec![group(), group().with_kind(crate::GroupKind::BuiltIn), group().with_attribute("a", 1), group()];
    groups[3].extra.insert("a", 1);
    groups.push(Group::new(GroupId::new("g").unwrap(), ""));
    let all = users.into_iter().map(|user| Change::UserCreated { user });
    let all: Vec<_> = all.chain(groups.into_iter().map(|group| Change::GroupCreated { group })).collect();
    let keys: std::collections::BTreeSet<_> = all.iter().map(|change| key(change).to_string()).collect();
    assert_eq!(keys.len(), all.len());
}

proptest! {
    #[test]
    fn p06_updates_of_users_tell_the_fields_that_differ_by_name(((before, old), (after, new)) in two(user().boxed())) {
        let expected = differing(&old, &new);
        assert_eq!(before.same_content(&after), expected.is_empty());
        let update = Change::user_update(&before, after.clone());
        assert_eq!(update, (!expected.is_empty()).then_some(Change::UserUpdated { user: after, changed: expected }));
    }

    #[test]
    fn p06_updates_of_groups_tell_the_fields_that_differ_by_name(((before, old), (after, new)) in two(group().boxed())) {
        let expected = differing(&old, &new);
        assert_eq!(before.same_content(&after), expected.is_empty());
        let update = Change::group_update(&before, after.clone());
        assert_eq!(update, (!expected.is_empty()).then_some(Change::GroupUpdated { group: after, changed: expected }));
    }

    #[test]
    fn keys_of_created_entries_are_the_same_for_the_same_content_only(users in two(user().boxed()), groups in two(group().boxed())) {
        let ((one, is), (other, was)) = users;
        assert_eq!(key(&Change::UserCreated { user: one }) == key(&Change::UserCreated { user: other }), is == was);
        let ((one, is), (other, was)) = groups;
        assert_eq!(key(&Change::GroupCreated { group: one }) == key(&Change::GroupCreated { group: other }), is == was);
    }
}

#[test]
fn the_size_of_a_change_grows_with_its_texts() {
    let user = |title: String| User::new(UserId::new("00u1").unwrap(), crate::UserStatus::Active).with_attribute("title", title);
    let size = |length| Change::UserCreated { user: user("x".repeat(length)) }.size_hint();
    assert_eq!(size(10_000) - size(0), 10_000);
    let update = Change::user_update(&user("x".repeat(700)), user("y".repeat(300))).unwrap();
    assert!(update.size_hint() >= 1_300, "the update tells what was there and what is there: {}", update.size_hint());
    let membership = Membership::new(GroupId::new("g".repeat(50)).unwrap(), UserId::new("u".repeat(60)).unwrap());
    let added = Change::GroupUserAdded { membership };
    assert!((110..200).contains(&added.size_hint()), "{}", added.size_hint());
}
