//! Which share of the rate limits somebody gets.

use super::json::{body, list as rows, needed, record};
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{Share, ShareOf, Shared, USUAL_SHARE};
use crate::search::{Dialect, Expression, Record, Value as Searched};
use crate::server::{Answer, Call, Failure};
use serde_json::{Map, Value};

/// `GET /api/v1/principal-rate-limits`, which needs a filter.
pub(super) fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let filter = call.query.get("filter").ok_or_else(|| Failure::okta(400, "E0000028", "The request is missing a required parameter."))?;
    let filter =
        Expression::parse(filter, Dialect::ShareFilter).ok_or_else(|| Failure::okta(400, "E0000031", "Invalid search criteria."))?;
    let access = shared.access();
    let shares = access.managed.shares.iter().filter(|share| filter.is_met(*share, Dialect::ShareFilter));
    rows(shared, call, Kind::Share, shares.map(|share| write(shared, share)))
}

/// `GET /api/v1/principal-rate-limits/{id}`.
pub(super) fn one(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let access = shared.access();
    let share = access.managed.shares.iter().find(|share| share.id.as_str() == id);
    Ok(Answer::json(200, write(shared, share.ok_or_else(|| not_found(id))?)))
}

/// `POST /api/v1/principal-rate-limits`.
pub(super) fn create(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let (body, now) = (body(call)?, shared.now());
    let (of, principal) = principal(&body)?;
    let managed = &mut shared.access().managed;
    let is_there = match of {
        ShareOf::ApiToken => managed.api_tokens.iter().any(|token| token.id.as_str() == principal && !token.is_revoked),
        ShareOf::App => managed.place(&principal).is_some(),
    };
    if !is_there {
        return Err(not_found(&principal));
    }
    if managed.shares.iter().any(|share| share.principal == principal) {
        return Err(Failure::invalid("principalId", "principalId: There is already an entity for this principal."));
    }
    let by = (now, caller.author().0);
    let id = managed.id(Kind::Share);
    let (percentage, concurrency_percentage) = percentages(&body)?;
    let share = Share { id, of, principal, percentage, concurrency_percentage, created: by.clone(), updated: by };
    let answer = write(shared, &share);
    managed.shares.push(share);
    Ok(Answer::json(201, answer))
}

/// `PUT /api/v1/principal-rate-limits/{id}`.
pub(super) fn replace(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let (body, now) = (body(call)?, shared.now());
    let (of, principal) = principal(&body)?;
    let (percentage, concurrency_percentage) = percentages(&body)?;
    let managed = &mut shared.access().managed;
    let share = managed.shares.iter_mut().find(|share| share.id.as_str() == id).ok_or_else(|| not_found(id))?;
    if share.of != of || share.principal != principal {
        return Err(Failure::invalid("principalId", "principalId: The principal cannot be changed."));
    }
    (share.percentage, share.concurrency_percentage, share.updated) = (percentage, concurrency_percentage, (now, caller.author().0));
    Ok(Answer::json(200, write(shared, share)))
}

fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "PrincipalRateLimitEntity")
}

fn check(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.is_super() { Ok(()) } else { Err(Failure::no_permission()) }
}

fn principal(body: &Map<String, Value>) -> Result<(ShareOf, String), Failure> {
    let of = ShareOf::parse(needed(body, "principalType")?);
    let of = of.ok_or_else(|| Failure::invalid("principalType", "principalType: The type is invalid."))?;
    Ok((of, needed(body, "principalId")?.to_owned()))
}

fn percentages(body: &Map<String, Value>) -> Result<(u32, u32), Failure> {
    let read = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(USUAL_SHARE),
        Some(value) => {
            let percentage = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| (1..=100).contains(number));
            percentage.ok_or_else(|| Failure::invalid(name, &format!("{name}: The percentage must be from 1 to 100.")))
        }
    };
    Ok((read("defaultPercentage")?, read("defaultConcurrencyPercentage")?))
}

impl Record for Share {
    fn value(&self, attribute: &str) -> Option<Searched<'_>> {
        match attribute {
            "principalId" => Some(Searched::Text(&self.principal)),
            "principalType" => Some(Searched::Text(self.of.as_str())),
            _ => None,
        }
    }
}

fn write(shared: &Shared, share: &Share) -> Vec<u8> {
    record(&[
        ("id", share.id.as_str().into()),
        ("orgId", shared.org_id().as_str().into()),
        ("principalId", share.principal.as_str().into()),
        ("principalType", share.of.as_str().into()),
        ("defaultPercentage", share.percentage.into()),
        ("defaultConcurrencyPercentage", share.concurrency_percentage.into()),
        ("createdDate", share.created.0.text().into()),
        ("createdBy", share.created.1.as_str().into()),
        ("lastUpdate", share.updated.0.text().into()),
        ("lastUpdatedBy", share.updated.1.as_str().into()),
    ])
}
