//! Whether a record meets a condition.

use super::dialect::Dialect;
use super::lexer::Literal;
use super::parser::{Expression, Operator};
use crate::moment::Moment;
use std::cmp::Ordering;

/// Something that can be searched for.
pub(crate) trait Record {
    /// The attribute's value; `None` when it is unset.
    fn value(&self, attribute: &str) -> Option<Value<'_>>;
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Json(&'a serde_json::Value),
    Text(&'a str),
    Time(Moment),
}

impl Expression {
    pub(crate) fn is_met(&self, record: &impl Record, dialect: Dialect) -> bool {
        match self {
            Self::And(left, right) => left.is_met(record, dialect) && right.is_met(record, dialect),
            Self::Or(left, right) => left.is_met(record, dialect) || right.is_met(record, dialect),
            Self::Present(attribute) => record.value(attribute).is_some(),
            Self::Compare { attribute, operator, literal } => {
                record.value(attribute).is_some_and(|value| meets(&value, *operator, literal, dialect))
            }
        }
    }
}

fn meets(value: &Value<'_>, operator: Operator, literal: &Literal, dialect: Dialect) -> bool {
    match (value, literal) {
        (Value::Time(moment), Literal::Text(text)) => {
            Moment::parse(text).is_some_and(|other| ordered(moment.partial_cmp(&other), operator))
        }
        (Value::Text(value), Literal::Text(text)) => texts(value, operator, text, dialect),
        // An array meets a condition when one of its elements does.
        (Value::Json(serde_json::Value::Array(values)), _) => {
            values.iter().any(|value| meets(&Value::Json(value), operator, literal, dialect))
        }
        (Value::Json(serde_json::Value::String(value)), Literal::Text(text)) => texts(value, operator, text, dialect),
        (Value::Json(serde_json::Value::Bool(value)), Literal::Bool(wanted)) => operator == Operator::Equal && value == wanted,
        (Value::Json(value), Literal::Number(number)) => value.as_f64().is_some_and(|value| ordered(value.partial_cmp(number), operator)),
        _ => false,
    }
}

fn texts(value: &str, operator: Operator, literal: &str, dialect: Dialect) -> bool {
    if !dialect.minds_case() {
        return compare_texts(&value.to_lowercase(), operator, &literal.to_lowercase());
    }
    compare_texts(value, operator, literal)
}

fn compare_texts(value: &str, operator: Operator, literal: &str) -> bool {
    match operator {
        Operator::Contains => value.contains(literal),
        Operator::StartsWith => value.starts_with(literal),
        _ => ordered(Some(value.cmp(literal)), operator),
    }
}

fn ordered(ordering: Option<Ordering>, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::Greater => ordering == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Less => ordering == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        Operator::Contains | Operator::StartsWith => false,
    }
}

/// The order of two values for `sortBy`; what is unset comes first, values of different types keep the order they have.
pub(crate) fn compare(one: Option<&Value<'_>>, two: Option<&Value<'_>>) -> Ordering {
    let text = |value: &Value<'_>| match value {
        Value::Json(serde_json::Value::String(text)) => Some(text.to_lowercase()),
        Value::Text(text) => Some(text.to_lowercase()),
        Value::Json(_) | Value::Time(_) => None,
    };
    match (one, two) {
        (Some(Value::Time(one)), Some(Value::Time(two))) => one.cmp(two),
        (Some(Value::Json(one)), Some(Value::Json(two))) if one.is_number() && two.is_number() => {
            one.as_f64().partial_cmp(&two.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(one), Some(two)) => text(one).cmp(&text(two)),
        (one, two) => one.is_some().cmp(&two.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Person(serde_json::Value);

    impl Record for Person {
        fn value(&self, attribute: &str) -> Option<Value<'_>> {
            match attribute {
                "lastUpdated" => Moment::parse("2026-03-27T11:05:20.000Z").map(Value::Time),
                "status" => Some(Value::Text("ACTIVE")),
                _ => self.0.get(attribute.strip_prefix("profile.")?).map(Value::Json),
            }
        }
    }

    fn found(text: &str, dialect: Dialect) -> Option<bool> {
        let person = Person(json!({"login": "Åse@example.com", "age": 40, "isRemote": true, "tags": ["Red", "blue"], "floors": [1, 2]}));
        Expression::parse(text, dialect).map(|expression| expression.is_met(&person, dialect))
    }

    #[test]
    fn searches_find_what_they_should() {
        for (text, expected) in [
            (r#"status eq "active""#, true),
            (r#"profile.login sw "åse@""#, true),
            (r#"profile.login co "EXAMPLE""#, true),
            (r#"profile.login eq "Ase@example.com""#, false),
            (r#"lastUpdated gt "2026-03-27T11:05:19.000Z""#, true),
            (r#"lastUpdated gt "2026-03-27T11:05:20.000Z""#, false),
            (r#"lastUpdated ge "2026-03-27T11:05:20.000Z" and lastUpdated le "2026-03-27T12:05:20+01:00""#, true),
            (r#"status lt "ACTIVE" or status gt "ACTIVE""#, false),
            ("profile.age gt 39 and profile.age lt 40.5", true),
            ("profile.isRemote eq true", true),
            (r#"profile.tags eq "red""#, true),
            ("profile.floors eq 2", true),
            ("profile.missing pr", false),
            (r#"status pr and (profile.missing pr or profile.age pr)"#, true),
            (r#"profile.missing pr and profile.age pr or status pr"#, true),
            (r#"profile.login eq "\u00c5se@example.com""#, true),
        ] {
            assert_eq!(found(text, Dialect::UserSearch), Some(expected), "{text}");
        }
    }

    #[test]
    fn filters_mind_case_and_know_less() {
        assert_eq!(found(r#"status eq "ACTIVE""#, Dialect::UserFilter), Some(true));
        assert_eq!(found(r#"status eq "active""#, Dialect::UserFilter), Some(false));
        for refused in [r#"profile.login sw "a""#, "status pr", r#"profile.city eq "Oslo""#, r#"created gt "2026-01-01T00:00:00.000Z""#] {
            assert_eq!(found(refused, Dialect::UserFilter), None, "{refused}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let deep = "(".repeat(60) + "status pr" + &")".repeat(60);
        let refused = [
            "",
            "status",
            "status eq",
            "status eq ACTIVE",
            r#"status ne "ACTIVE""#,
            "(status pr",
            "status pr)",
            "status pr status pr",
            r#"lastUpdated gt "yesterday""#,
            r#"profile.city co "x""#,
            r#""status" pr"#,
            r#"status eq "A"#,
            "not (status pr)",
            "Status pr",
            "lastLogin pr",
            deep.as_str(),
        ];
        for text in refused {
            assert_eq!(found(text, Dialect::UserSearch), None, "{text}");
        }
    }
}
