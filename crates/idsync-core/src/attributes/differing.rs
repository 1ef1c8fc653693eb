//! What differs between two sets of attributes.

use super::Attributes;
use super::scan::{Member, Members};
use std::borrow::Cow;
use std::cmp::Ordering;

/// An attribute that differs: its name, and its value on either side as it stands there, where it is there.
pub(crate) type Difference<'a> = (Cow<'a, str>, Option<&'a str>, Option<&'a str>);

/// Attributes that differ, by name. Both sides are sorted, so one walk along them finds these; what is the same on both is taken apart on
/// one side only.
pub(crate) struct Differing<'a> {
    before: Members<'a>,
    after: Members<'a>,
}

impl<'a> Differing<'a> {
    pub(crate) fn between(before: &'a Attributes, after: &'a Attributes) -> Self {
        Self { before: before.members(), after: after.members() }
    }
}

impl<'a> Iterator for Differing<'a> {
    type Item = Difference<'a>;

    fn next(&mut self) -> Option<Difference<'a>> {
        let mut old = self.before.peek();
        while let Some(same) = old.take_if(|old| self.after.pass(old)) {
            self.before.move_behind(&same);
            old = self.before.peek();
        }
        let new = self.after.peek();
        let order = match (&old, &new) {
            (Some(old), Some(new)) => old.name.cmp(&new.name),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let taken = |members: &mut Members<'a>, member: Option<Member<'a>>| member.inspect(|member| members.move_behind(member));
        let old = taken(&mut self.before, old.filter(|_| order.is_le()));
        let new = taken(&mut self.after, new.filter(|_| order.is_ge()));
        let values = (old.as_ref().map(|member| member.value), new.as_ref().map(|member| member.value));
        old.or(new).map(|member| (member.name, values.0, values.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(json!({"a": "}", "b": [1, 2]})),
            (0..30_u8).prop_map(Value::from),
            "[a\"\\\\,}é]{0,3}".prop_map(Value::from)
        ]
    }

    proptest! {
        #[test]
        fn what_differs_is_what_differs_one_by_one(
            before in btree_map("[ab\"\\\\]{0,2}", value(), 0..6),
            after in btree_map("[ab\"\\\\]{0,2}", value(), 0..6),
            common in btree_map("[a-d]{0,2}", value(), 0..6),
        ) {
            let of = |mut own: std::collections::BTreeMap<String, Value>| { own.extend(common.clone()); own };
            let (before, after) = (of(before), of(after));
            let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
            let expected: Vec<_> = names.into_iter().filter(|name| before.get(name) != after.get(name))
                .map(|name| (before.get(&name).cloned(), after.get(&name).cloned(), name)).collect();
            let attributes = [before, after].map(|pairs| pairs.into_iter().collect::<Attributes>());
            let read = |raw: Option<&str>| raw.map(|raw| serde_json::from_str::<Value>(raw).unwrap());
            let found: Vec<_> = Differing::between(&attributes[0], &attributes[1])
                .map(|(name, old, new)| (read(old), read(new), name.into_owned())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
