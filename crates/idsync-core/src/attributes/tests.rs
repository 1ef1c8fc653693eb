use super::*;
use crate::{Change, DeletionReason, User, UserId, UserStatus};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use serde::de::value::{Error as PlainError, MapDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::ser::Serialize;
use serde_json::{from_reader, from_slice, from_str, from_value, json, to_string, to_string_pretty, to_value, to_vec};
use std::collections::BTreeMap;

type Model = BTreeMap<String, Value>;
type Pairs = Vec<(String, Value)>;

/// Texts of few characters, so that names meet again, with all that must be escaped and all that looks like JSON.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let odd = ['a', 'b', 'B', '"', '\\', '\0', '\n', '\u{1f}', '\u{7f}', '/', ',', ':', '{', '}', '[', ']', 'é', '\u{2028}', '\u{1F600}'];
    let text = vec(prop_oneof![8 => select(odd.to_vec()), 1 => any::<char>()], 0..3).prop_map(String::from_iter);
    // Those that are longer than what is looked at in one go, with one oddity at most.
    let long = ("a{0,20}", select(odd.to_vec()), "a{5,20}").prop_map(|(before, odd, after)| format!("{before}{odd}{after}"));
    prop_oneof![6 => text, 1 => long, 2 => select(vec!["", "a", "b", "null", "\\u0061"]).prop_map(str::to_owned)]
}

/// Any JSON value.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Without the zero below zero, which equals the other one and is another text.
        any::<f64>().prop_map(|number| Value::from(number + 0.0)),
        (-1e3..1e3).prop_map(Value::from),
        text().prop_map(Value::from),
    ]
    .boxed();
    let nested = leaf.clone().prop_recursive(3, 16, 4, |inner| {
        let array = vec(inner.clone(), 0..4).prop_map(Value::from);
        prop_oneof![array, vec((text(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))]
    });
    prop_oneof![1 => Just(Value::Null), 3 => leaf, 2 => nested]
}

pub(crate) fn pairs() -> impl Strategy<Value = Pairs> {
    vec((text(), value()), 0..8)
}

/// A JSON object with these members as they stand here, more than one of a name included.
fn object(pairs: &Pairs, space: &str) -> String {
    let members = pairs.iter().map(|(name, value)| format!("{space}{}{space}:{space}{}", Value::from(name.as_str()), scrambled(value)));
    format!("{{{space}{}{space}}}", members.collect::<Vec<_>>().join(","))
}

/// The value with the members of its objects in the wrong order, each of them after another one of the same name.
fn scrambled(value: &Value) -> String {
    match value {
        Value::Array(elements) => format!("[ {} ]", elements.iter().map(scrambled).collect::<Vec<_>>().join(" , ")),
        Value::Object(members) => {
            let twice = members.iter().rev().map(|(name, value)| {
                let name = Value::from(name.as_str());
                format!("{name}:0,{name}:{}", scrambled(value))
            });
            format!("{{{}}}", twice.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

/// How many arrays and objects stand in one another.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Whether the attributes are what the model holds, however they are asked.
fn agrees(attributes: &Attributes, model: &Model) {
    assert_eq!(attributes.as_json(), to_string(model).unwrap());
    assert_eq!((attributes.len(), attributes.is_empty()), (model.len(), model.is_empty()));
    assert!(attributes.iter().map(|(name, value)| (name.into_owned(), value)).eq(model.clone()));
    assert!(attributes.clone().into_iter().eq(model.clone()));
    assert_eq!(attributes.depth(), model.values().map(depth).max().unwrap_or_default());
    assert!(attributes.names().eq(model.keys().map(String::as_str)));
    assert!(attributes.iter_raw().map(|(name, raw)| (name.into_owned(), raw.to_owned())).eq(printed(model)));
    for name in model.keys().map(String::as_str).chain(["", "a", "b\"", "zz", "\u{10FFFF}"]) {
        let value = model.get(name);
        assert_eq!(attributes.get(name).as_ref(), value, "{name:?}");
        assert_eq!(attributes.raw(name).map(str::to_owned), value.map(Value::to_string), "{name:?}");
        assert_eq!(attributes.text(name).as_deref(), value.and_then(Value::as_str), "{name:?}");
        assert_eq!(attributes.contains(name), value.is_some(), "{name:?}");
    }
    assert_eq!(format!("{attributes:?}"), format!("{:?}", model.keys().collect::<std::collections::BTreeSet<_>>()));
    assert_eq!(*attributes, Attributes::from_iter(model.clone()));
}

fn printed(model: &Model) -> impl Iterator<Item = (String, String)> {
    model.iter().map(|(name, value)| (name.clone(), value.to_string()))
}

#[derive(Debug, Clone)]
enum Step {
    Insert(String, Value),
    Remove(String),
    Retain(Vec<String>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (text(), value()).prop_map(|(name, value)| Step::Insert(name, value)),
        2 => text().prop_map(Step::Remove),
        1 => vec(text(), 0..3).prop_map(Step::Retain),
    ]
}

proptest! {
    #[test]
    fn collected_attributes_are_those_of_a_map(pairs in pairs()) {
        agrees(&pairs.iter().cloned().collect(), &pairs.into_iter().collect());
    }

    #[test]
    fn attributes_that_are_changed_are_those_of_a_map(pairs in pairs(), steps in vec(step(), 0..12)) {
        let (mut attributes, mut model): (Attributes, Model) = (pairs.iter().cloned().collect(), pairs.into_iter().collect());
        for step in steps {
            match step {
                Step::Insert(name, value) => assert_eq!(attributes.insert(&name, value.clone()), model.insert(name, value)),
                Step::Remove(name) => assert_eq!(attributes.remove(&name), model.remove(&name)),
                Step::Retain(dropped) => {
                    let keep = |name: &str| !dropped.iter().any(|dropped| name.starts_with(dropped));
                    attributes.retain(keep);
                    model.retain(|name, _| keep(name));
                }
            }
            agrees(&attributes, &model);
        }
    }

    #[test]
    fn two_are_equal_when_they_hold_the_same(one in pairs(), other in pairs()) {
        let same = one.iter().cloned().collect::<Model>() == other.iter().cloned().collect::<Model>();
        assert_eq!(Attributes::from_iter(one) == Attributes::from_iter(other), same);
    }

    #[test]
    fn attributes_are_read_from_any_form_of_json(pairs in pairs(), space in "[ \n\t\r]{0,2}") {
        let model: Model = pairs.iter().cloned().collect();
        let json = object(&pairs, &space);
        agrees(&from_str(&json).unwrap(), &model);
        agrees(&from_slice(json.as_bytes()).unwrap(), &model);
        agrees(&from_reader(json.as_bytes()).unwrap(), &model);
        agrees(&from_value(to_value(&model).unwrap()).unwrap(), &model);
        agrees(&Attributes::deserialize(&to_value(&model).unwrap()).unwrap(), &model);
        let escaped: String = json.chars().map(|char| if char.is_ascii() { char.to_string() } else { utf16(char) }).collect();
        agrees(&from_str(&escaped).unwrap(), &model);
    }

    #[test]
    fn attributes_are_written_as_a_map_is(pairs in pairs()) {
        let (attributes, model): (Attributes, Model) = (pairs.iter().cloned().collect(), pairs.into_iter().collect());
        assert_eq!(to_string(&attributes).unwrap(), attributes.as_json());
        assert_eq!(to_vec(&attributes).unwrap(), attributes.as_json().as_bytes());
        assert_eq!(to_string_pretty(&attributes).unwrap(), to_string_pretty(&model).unwrap());
        assert_eq!(to_value(&attributes).unwrap(), to_value(&model).unwrap());
        returns(&attributes);
    }

    #[test]
    fn attributes_go_through_changes_in_every_way(attributes in pairs(), extra in pairs()) {
        let mut user = User::new(UserId::new("u").unwrap(), UserStatus::Active);
        (user.attributes, user.extra) = (attributes.iter().cloned().collect(), extra.iter().cloned().collect());
        returns(&user);
        let change = Change::UserDeleted { user: user.clone(), reason: DeletionReason::Deleted };
        returns(&change);
        // The kind comes last, so everything before it is kept until it is known what it is.
        let json = format!(
            r#"{{"reason":"deleted","user":{{"attributes":{},"extra":{},"id":"u","status":"ACTIVE"}},"kind":"user.deleted"}}"#,
            object(&attributes, ""),
            object(&extra, " "),
        );
        assert_eq!(from_str::<Change>(&json).unwrap(), change);
    }

    #[test]
    fn decoders_hand_over_members_of_which_null_may_not_count(pairs in pairs()) {
        let json = object(&pairs, "");
        agrees(&from_str::<Taken<false>>(&json).unwrap().0, &pairs.iter().cloned().collect());
        agrees(&from_str::<Taken<true>>(&json).unwrap().0, &pairs.into_iter().filter(|(_, value)| !value.is_null()).collect());
    }
}

/// The character as JSON escapes it.
fn utf16(char: char) -> String {
    char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Whether what is written is what is read again.
fn returns<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(thing: &T) {
    assert_eq!(&from_str::<T>(&to_string(thing).unwrap()).unwrap(), thing);
    assert_eq!(&from_slice::<T>(&to_vec(thing).unwrap()).unwrap(), thing);
    assert_eq!(&from_value::<T>(to_value(thing).unwrap()).unwrap(), thing);
    assert_eq!(&from_str::<T>(&to_value(thing).unwrap().to_string()).unwrap(), thing);
}

/// The members of an object, or those that are not `null`.
struct Taken<const PRESENT: bool>(Attributes);

impl<'de, const PRESENT: bool> Deserialize<'de> for Taken<PRESENT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TakenVisitor<const PRESENT: bool>;

        impl<'de, const PRESENT: bool> Visitor<'de> for TakenVisitor<PRESENT> {
            type Value = Taken<PRESENT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Taken<PRESENT>, A::Error> {
                let mut builder = Attributes::builder();
                while let Some(name) = map.next_key::<String>()? {
                    if PRESENT { builder.take_present(&name, &mut map)? } else { builder.take(&name, &mut map)? }
                }
                Ok(Taken(builder.finish()))
            }
        }

        deserializer.deserialize_map(TakenVisitor)
    }
}

#[test]
fn no_attributes_are_an_empty_object_however_they_came() {
    const NONE: Attributes = Attributes::new();
    let mut emptied = Attributes::from_iter([("a", 1)]);
    emptied.remove("a");
    let mut dropped = Attributes::from_iter([("a", 1), ("b", 2)]);
    dropped.retain(|_| false);
    let read = from_str::<Attributes>(" { } ").unwrap();
    let absent = from_str::<Taken<true>>(r#"{"a":null}"#).unwrap().0;
    for none in
        [&emptied, &dropped, &read, &absent, &Attributes::default(), &Attributes::builder().finish(), &Attributes::from_iter([("", 1); 0])]
    {
        assert_eq!((none, none.as_json(), none.is_empty()), (&NONE, "{}", true));
    }
}

#[test]
fn what_is_no_object_is_not_read() {
    for other in ["null", "[]", "1", r#""{}""#, "{", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":[1,}"#, r#"{1:2}"#, r#"{"a":1,}"#] {
        assert!(from_str::<Attributes>(other).is_err(), "{other}");
    }
}

#[test]
fn what_cannot_be_taken_leaves_the_rest_as_it_was() {
    let mut builder = Attributes::builder();
    builder.push("b", 1);
    let mut broken = serde_json::Deserializer::from_str(r#"{"a":{"x":[1,}}"#);
    struct Take<'a>(&'a mut AttributesBuilder);
    impl<'de> Visitor<'de> for Take<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let name: String = map.next_key()?.unwrap();
            self.0.take(&name, &mut map)
        }
    }
    assert!(broken.deserialize_map(Take(&mut builder)).is_err());
    builder.push("c", 2);
    assert_eq!(builder.finish().as_json(), r#"{"b":1,"c":2}"#);
}

#[test]
fn other_formats_give_numbers_of_their_own_kinds() {
    let read = |value: i128| Attributes::deserialize(MapDeserializer::<_, PlainError>::new([("n", value)].into_iter()));
    assert_eq!(read(7).unwrap().as_json(), r#"{"n":7}"#);
    assert!(read(i128::MAX).is_err(), "JSON numbers are not that large, unless a crate asks for it");
    let read = Attributes::deserialize(MapDeserializer::<_, PlainError>::new([("n", 0.5_f32)].into_iter()));
    assert_eq!(read.unwrap().as_json(), r#"{"n":0.5}"#);
    assert_eq!(Attributes::from_iter([("n", f64::NAN)]).as_json(), r#"{"n":null}"#);
}

#[test]
fn numbers_of_different_texts_are_different() {
    let texts = ["1", "1.0", "-1", "0.0", "-0.0", "1e-7", "18446744073709551615", "1.8446744073709552e+19", "-9223372036854775808"];
    for (index, text) in texts.iter().enumerate() {
        let read = |text: &str| from_str::<Attributes>(&format!(r#"{{"n":{text}}}"#)).unwrap();
        assert_eq!(read(text).raw("n"), Some(*text));
        assert!(texts[..index].iter().all(|other| read(other) != read(text)), "{text}");
    }
}

#[test]
fn depth_is_no_limit_for_what_is_there_already() {
    let deep = (0..1_000).fold(json!("x"), |inner, depth| if depth % 2 == 0 { json!([inner]) } else { json!({"y": inner}) });
    let attributes = Attributes::from_iter([("deep", deep.clone()), ("e", json!(1))]);
    assert_eq!(attributes.get("deep"), Some(deep));
    assert_eq!(attributes.get("e"), Some(json!(1)));
}

#[test]
fn what_serde_json_means_for_itself_is_left_to_it() {
    let json = r#"{"a":{"$serde_json::private::RawValue":"[1, 2]"},"b":{"$serde_json::private::Other":{"z":1,"a":2}}}"#;
    let (attributes, model): (Attributes, Model) = (from_str(json).unwrap(), from_str(json).unwrap());
    assert_eq!(attributes.as_json(), to_string(&model).unwrap());
}

#[test]
fn texts_are_borrowed_where_nothing_is_escaped() {
    let attributes = Attributes::from_iter([("a", "plain é"), ("b", "two\nlines")]);
    assert!(matches!(attributes.text("a"), Some(Cow::Borrowed("plain é"))));
    assert!(matches!(attributes.text("b"), Some(Cow::Owned(text)) if text == "two\nlines"));
}
