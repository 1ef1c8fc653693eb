//! What the app may do, how the org behaves, and what goes wrong.

use super::{Refused, Reply, body, done, done_if};
use crate::faults;
use crate::org::{Lag, Org, Role};
use crate::rate::RateLimits;
use crate::server::Call;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn answer(org: &Org, call: &Call, parts: &[&str]) -> Result<Reply, Refused> {
    match (call.method.as_str(), parts) {
        ("POST", ["role"]) => role(org, &body(call)?),
        ("POST", ["scopes"]) => scopes(org, &body(call)?),
        ("POST", ["app"]) => {
            let active = body(call)?.get("active").and_then(Value::as_bool);
            org.set_app_active(active.ok_or_else(|| wrong("`active` must be true or false"))?);
            done()
        }
        ("DELETE", ["tokens"]) => {
            org.revoke_tokens();
            done()
        }
        ("POST", ["keys"]) => {
            let kid = org.add_public_key(&body(call)?);
            Ok(Reply::Json(json!({"kid": kid.ok_or_else(|| wrong("the body must be a public key as a JWK"))?})))
        }
        ("POST", ["keys", kid, "deactivate"]) => done_if(org.deactivate_key(kid)),
        ("POST", ["keys", kid, "activate"]) => done_if(org.activate_key(kid)),
        ("POST", ["dpop"]) => dpop(org, &body(call)?),
        ("POST", ["lag"]) => lag(org, &body(call)?),
        ("POST", ["clock"]) => {
            let skew = body(call)?.get("skew_seconds").and_then(Value::as_i64);
            org.set_clock_skew(skew.ok_or_else(|| wrong("`skew_seconds` must be a number"))?);
            done()
        }
        ("POST", ["rate-limits"]) => rate_limits(org, &body(call)?),
        ("GET", ["faults"]) => Ok(Reply::Json(list_faults(org))),
        ("POST", ["faults"]) => {
            let fault = faults::from_json(&body(call)?).map_err(Refused::NotUnderstood)?;
            Ok(Reply::Json(json!({"number": org.shared.faults.add(fault).number()})))
        }
        ("DELETE", ["faults"]) => {
            org.shared.faults.clear();
            done()
        }
        ("DELETE", ["faults", number]) => done_if(number.parse().is_ok_and(|number| org.shared.faults.remove(number))),
        _ => Err(Refused::NoSuchCall),
    }
}

fn role(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let role = match body.get("role") {
        Some(Value::Null) => Some(Role::None),
        Some(Value::String(text)) => Role::parse(text),
        _ => None,
    };
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).filter(|name| !name.is_empty()).collect();
    let names = names.join(", ");
    org.set_role(role.ok_or_else(|| Refused::NotUnderstood(format!("`role` must be null or one of: {names}")))?);
    done()
}

fn scopes(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let scopes = body.get("scopes").and_then(Value::as_array).ok_or_else(|| wrong("`scopes` must be a list of texts"))?;
    org.set_granted_scopes(&scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    done()
}

fn dpop(org: &Org, body: &Value) -> Result<Reply, Refused> {
    org.set_dpop(super::apps::dpop(body.get("dpop").unwrap_or(&Value::Null))?);
    done()
}

fn lag(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let number = |name: &str| body.get(name).and_then(Value::as_u64);
    org.set_lag(match (number("listings"), number("millis")) {
        (Some(listings), None) => Lag::Listings(u32::try_from(listings).unwrap_or(u32::MAX)),
        (None, Some(millis)) => Lag::Time(Duration::from_millis(millis)),
        (None, None) if body.as_object().is_some_and(serde_json::Map::is_empty) => Lag::None,
        _ => return Err(wrong("give one of `listings` and `millis`, or an empty object for no lag")),
    });
    done()
}

fn rate_limits(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let limits = match body.get("kind").and_then(Value::as_str) {
        Some("none") => RateLimits::unlimited(),
        Some("workforce") => RateLimits::workforce(),
        Some("integrator") => RateLimits::integrator(),
        _ => return Err(wrong("`kind` must be none, workforce or integrator")),
    };
    org.shared.windows().set_limits(limits);
    done()
}

fn list_faults(org: &Org) -> Value {
    let faults = org.shared.faults.list().into_iter().map(|(number, fault, fired)| {
        let mut value = faults::to_json(&fault);
        value["number"] = json!(number);
        value["fired"] = json!(fired);
        value
    });
    faults.collect()
}

fn wrong(text: &str) -> Refused {
    Refused::NotUnderstood(text.to_owned())
}
