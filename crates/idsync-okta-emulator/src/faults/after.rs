//! Faults of an answer that was made.

use super::before::status_answer;
use super::fault::Fault;
use super::kind::FaultKind;
use super::records;
use super::registry::Going;
use crate::api::{Links, Next, Page, Position};
use crate::org::Shared;
use crate::server::{Answer, Call, Ending, Endpoint};

/// Lets the faults strike that change an answer: first its rows and links, then its bytes and headers.
pub(crate) fn after(shared: &Shared, call: &Call, mut answer: Answer) -> Answer {
    // A cell, for what applies depends on what earlier faults have done to the answer.
    let changed = std::cell::RefCell::new(&mut answer);
    let applies = |fault: &Fault| applies(&fault.kind, call, &changed.borrow()) && holds_record(fault, &changed.borrow());
    shared.faults.strike(call, applies, |fault| {
        let mut answer = changed.borrow_mut();
        let is_done = answer.page.as_mut().is_some_and(|page| change_page(shared, page, fault));
        if !is_done {
            change_answer(shared, &mut answer, &fault.kind);
        }
        Going::On
    });
    answer
}

fn applies(kind: &FaultKind, call: &Call, answer: &Answer) -> bool {
    let page = answer.page.as_ref();
    let has_next = page.is_some_and(|page| page.next != Next::Nowhere);
    let has_rows = page.is_some_and(|page| page.len() > 0);
    let is_record = page.is_none() && answer.status.is_success() && records::is_record(&answer.body);
    let is_linked = page.is_some_and(|page| page.links != Links::None);
    match kind {
        FaultKind::EmptyLastPage => is_linked && has_rows && !has_next,
        FaultKind::EmptyMiddlePage | FaultKind::JoinedLinkHeader | FaultKind::LoopingNext => has_next,
        FaultKind::EmptyUsers200 => page.is_some() && call.endpoint == Endpoint::Users,
        FaultKind::EndlessEmptyPages | FaultKind::SelfNext => is_linked,
        FaultKind::ForeignNext(_) | FaultKind::NextOnAdminHost => is_linked && has_rows,
        FaultKind::RepeatedRows => has_rows,
        FaultKind::ShiftedRows => has_next && page.is_some_and(|page| page.upcoming.is_some()),
        FaultKind::DeepNesting(_) | FaultKind::MalformedRecord(_) | FaultKind::UnknownKind(_) | FaultKind::UnknownMembers => {
            has_rows || is_record
        }
        FaultKind::DuplicatedRateHeaders
        | FaultKind::MissingRateHeaders
        | FaultKind::HugeBody(_)
        | FaultKind::LostAnswer
        | FaultKind::MalformedJson
        | FaultKind::ResetMidBody
        | FaultKind::SkewedDate(_)
        | FaultKind::SlowBody { .. }
        | FaultKind::StatusAfter(..)
        | FaultKind::TruncatedBody => true,
        _ => false,
    }
}

/// Whether the record is there that the fault is about, if it is about a certain one.
fn holds_record(fault: &Fault, answer: &Answer) -> bool {
    let Some(id) = &fault.record else { return true };
    answer.page.as_ref().map_or_else(|| records::has_id(&answer.body, id), |page| page.rows().any(|row| records::has_id(row, id)))
}

/// The number of the row that the fault is about; `usual` unless it is about a certain one.
fn row_meant(fault: &Fault, page: &Page, usual: usize) -> usize {
    fault.record.as_ref().and_then(|id| page.rows().position(|row| records::has_id(row, id))).unwrap_or(usual)
}

/// Changes rows or links. False when the fault is about something else.
fn change_page(shared: &Shared, page: &mut Page, fault: &Fault) -> bool {
    let base = &shared.base;
    match &fault.kind {
        FaultKind::EmptyLastPage => page.next = at_end(page),
        FaultKind::EmptyMiddlePage => {
            page.set_rows(&[]);
            page.next = Next::At(Position { variant: page.start.variant + 1, ..page.start });
        }
        FaultKind::EmptyUsers200 => {
            page.set_rows(&[]);
            page.next = Next::Nowhere;
        }
        FaultKind::EndlessEmptyPages => {
            page.set_rows(&[]);
            page.next = Next::At(Position { variant: shared.number() | 1, ..page.start });
        }
        FaultKind::ForeignNext(origin) => page.next = elsewhere(page, base, origin),
        // The name leads nowhere else than to this machine, should somebody follow it.
        FaultKind::NextOnAdminHost => {
            let port = shared.authority.rsplit(':').next().unwrap_or_default();
            page.next = elsewhere(page, base, &format!("http://emulator-admin.localhost:{port}"));
        }
        FaultKind::JoinedLinkHeader => page.links = Links::Joined,
        FaultKind::LoopingNext => page.next = Next::At(Position::START),
        FaultKind::SelfNext => page.next = Next::Url(page.own_url(base)),
        FaultKind::RepeatedRows => repeat(page),
        FaultKind::ShiftedRows => page.next = page.upcoming.map_or(Next::Nowhere, |index| Next::At(Position::after(index))),
        FaultKind::DeepNesting(depth) => {
            let meant = row_meant(fault, page, 0);
            change_rows(page, |number, row| (number == meant).then(|| records::with_deep_member(row, *depth)));
        }
        FaultKind::MalformedRecord(what) => {
            let meant = row_meant(fault, page, page.len() / 2);
            change_rows(page, |number, row| (number == meant).then(|| records::malform(row, *what)));
        }
        FaultKind::UnknownKind(text) => {
            let meant = row_meant(fault, page, 0);
            change_rows(page, |number, row| (number == meant).then(|| records::with_kind(row, text)));
        }
        FaultKind::UnknownMembers => {
            let meant = row_meant(fault, page, 0);
            change_rows(page, |number, row| {
                let row = records::with_unknown_members(row);
                Some(if number == meant { records::with_unknown_kind(&row) } else { row })
            });
        }
        _ => return false,
    }
    true
}

fn at_end(page: &Page) -> Next {
    page.indexes().last().map_or(Next::Nowhere, |&index| Next::At(Position::after(index)))
}

/// The next page, or where one would begin, under another origin.
fn elsewhere(page: &mut Page, base: &str, origin: &str) -> Next {
    if page.next == Next::Nowhere {
        page.next = at_end(page);
    }
    let url = page.next_url(base).unwrap_or_default();
    Next::Url(format!("{origin}{}", url.strip_prefix(base).unwrap_or(&url)))
}

fn repeat(page: &mut Page) {
    match (page.next != Next::Nowhere, page.indexes()) {
        (true, [.., before, _]) => page.next = Next::At(Position::after(*before)),
        _ => {
            let mut rows = page.take_rows();
            rows.extend(rows.last().cloned());
            page.set_rows(&rows);
        }
    }
}

fn change_rows(page: &mut Page, change: impl Fn(usize, &[u8]) -> Option<Vec<u8>>) {
    let rows = page.take_rows().into_iter().enumerate().map(|(number, (index, row))| (index, change(number, &row).unwrap_or(row)));
    page.set_rows(&rows.collect::<Vec<_>>());
}

fn change_answer(shared: &Shared, answer: &mut Answer, kind: &FaultKind) {
    match kind {
        FaultKind::DeepNesting(depth) => answer.body = records::with_deep_member(&answer.body, *depth).into(),
        FaultKind::MalformedRecord(what) => answer.body = records::malform(&answer.body, *what).into(),
        FaultKind::UnknownKind(text) => answer.body = records::with_kind(&answer.body, text).into(),
        FaultKind::UnknownMembers => {
            answer.body = records::with_unknown_kind(&records::with_unknown_members(&answer.body)).into();
        }
        FaultKind::DuplicatedRateHeaders => duplicate_rate_headers(answer),
        FaultKind::MissingRateHeaders => answer.headers.retain(|(name, _)| !name.as_str().starts_with("x-rate-limit-")),
        FaultKind::HugeBody(bytes) => answer.delivery.padding = *bytes,
        FaultKind::LostAnswer => answer.delivery.ending = Ending::Lost,
        FaultKind::StatusAfter(status, shape) => {
            let counted = answer.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-rate-limit-")).cloned();
            let counted: Vec<_> = counted.collect();
            *answer = status_answer(shared, *status, *shape);
            answer.headers.extend(counted);
        }
        FaultKind::MalformedJson => {
            answer.settle(&shared.base);
            let half = &answer.body[..answer.body.len() / 2];
            answer.body = [half, b"\"}]}"].concat().into();
        }
        FaultKind::ResetMidBody => answer.delivery.ending = Ending::Torn,
        FaultKind::SkewedDate(seconds) => answer.delivery.date_skew = *seconds,
        FaultKind::SlowBody { bytes, tick } => answer.delivery.pace = Some((*bytes, *tick)),
        FaultKind::TruncatedBody => answer.delivery.ending = Ending::Cut,
        _ => {}
    }
}

/// As in an old fault of Okta's, in which a proxy added its own.
fn duplicate_rate_headers(answer: &mut Answer) {
    let value = |name: &str| {
        let (_, value) = answer.headers.iter().find(|(known, _)| known == name)?;
        value.to_str().ok()?.parse::<i64>().ok()
    };
    let doubled = [("x-rate-limit-limit", 0), ("x-rate-limit-remaining", 1), ("x-rate-limit-reset", 30)];
    let second: Vec<(&'static str, i64)> = doubled.into_iter().filter_map(|(name, more)| Some((name, value(name)? + more))).collect();
    for (name, value) in second {
        answer.add_header(name, &value.to_string());
    }
}
