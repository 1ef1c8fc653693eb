//! One counter as seen from outside: what was used of the window that is running, and when it ends.

use super::headers::RateHeaders;
use super::length::Length;
use super::server_time::ServerTime;
use super::share::RateShare;
use std::time::Duration;
use tokio::time::Instant;

/// Added to every end, for clocks that do not run alike.
pub(super) const MARGIN: Duration = Duration::from_millis(10);
/// Resets that lie so many seconds apart are the same one, computed twice.
const SAME: i64 = 1;
/// After this much time, what is known of others in the bucket says little about how much is left.
const STALE: Duration = Duration::from_secs(1);
/// The pace of others is not reckoned from less than this.
const SHORT: Duration = Duration::from_millis(250);
/// How much longer than to its reset a window is left alone that should have ended and has not.
const EARLY: Duration = Duration::from_secs(1);
/// How long the request that opens a window is waited for. It may be a slow one, or one that nobody polls just now.
const SLOW: Duration = Duration::from_secs(2);

/// The requests of one bucket.
#[derive(Debug, Default)]
pub(super) struct Window {
    phase: Phase,
    /// The window that is running, or the last one.
    span: Option<Span>,
    length: Length,
    limit: Option<u64>,
    /// What the server has counted in this window, as far as it told.
    counted: u64,
    /// Requests under way, of which the server may count any.
    in_flight: u64,
    lost: Lost,
    /// The number of the last request.
    number: u64,
    blocked_until: Option<Instant>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No window is known to be running. The next request opens one, or shows the one that others have opened; it goes alone, because only
    /// its answer tells how many may follow.
    #[default]
    Closed,
    /// The request with this number is under way alone since then.
    Opening(u64, Instant),
    /// A window is running.
    Open,
}

/// Requests without an answer, which the server may have counted. A later answer shows whether it has.
#[derive(Debug, Default)]
struct Lost {
    requests: u64,
    /// The number of the last request before the last one was lost.
    until: u64,
}

/// What is known of a window.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Its end as the headers have it, in seconds since the start of 1970, rounded by the server.
    reset: Option<i64>,
    /// When the request that opened it was sent and answered; `None` when somebody else's did.
    opened: Option<(Instant, Instant)>,
    /// What the server's clock showed in its first answer.
    date: Option<i64>,
    /// When its first answer came.
    seen: Instant,
    /// When its last answer came, and how long that took.
    heard: Instant,
    trip: Duration,
    /// What was counted at its first answer.
    first: u64,
    /// Answers in this window.
    answers: u64,
    not_before: Option<Instant>,
}

/// One request, when it was sent and when its answer came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub(super) number: u64,
    pub(super) sent: Instant,
    pub(super) received: Instant,
}

/// Why a request may not be sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// An answer that is under way decides, or else the time.
    Answer(Instant),
    /// The share is used up until then.
    Full(Instant),
    /// The org has asked for no request until then.
    Blocked(Instant),
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its answer was observed.
    Answered,
    /// It was sent, and no answer came.
    Lost,
    /// It was not sent.
    Unsent,
}

/// What a forecast needs to know of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// What the share allows in a window.
    pub(super) cap: u64,
    pub(super) limit: u64,
    pub(super) used: u64,
    /// When the window ends; `None` when none is running.
    pub(super) ends: Option<Instant>,
    pub(super) length: Duration,
}

impl Span {
    /// How much others take, at their pace so far, in this time since the last answer and until a request that is sent now has arrived. One
    /// round trip is what both ways take, another is for requests that come in bursts.
    fn taken_in(&self, unseen: Duration, others: u64) -> u64 {
        let observed = self.heard.saturating_duration_since(self.seen).max(SHORT).as_micros();
        let unseen = (unseen + self.trip * 2).as_micros();
        u64::try_from((u128::from(others) * unseen).div_ceil(observed)).unwrap_or(u64::MAX / 2)
    }
}

impl Window {
    /// Counts one request and gives it a number, or says what it has to wait for.
    pub(super) fn admit(&mut self, now: Instant, share: RateShare, time: &ServerTime) -> Result<u64, Hold> {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Err(Hold::Blocked(until));
            }
            self.blocked_until = None;
        }
        self.measure(time);
        let (earliest, latest) = self.ends(time).unwrap_or((now, now));
        if self.phase == Phase::Open && now >= latest {
            self.phase = Phase::Closed;
        }
        match self.phase {
            Phase::Opening(_, since) if now < since + SLOW => Err(Hold::Answer(since + SLOW)),
            Phase::Closed | Phase::Opening(..) => {
                let number = self.count();
                self.phase = Phase::Opening(number, now);
                Ok(number)
            }
            Phase::Open => self.admit_into_open(now, share, earliest, latest).map(|()| self.count()),
        }
    }

    fn admit_into_open(&self, now: Instant, share: RateShare, earliest: Instant, latest: Instant) -> Result<(), Hold> {
        let Some(limit) = self.limit else { return Ok(()) };
        let wanted = self.counted + self.lost.requests + self.reserve(now);
        let cap = share.of(limit);
        if wanted > cap {
            return Err(if self.in_flight > 0 { Hold::Answer(latest) } else { Hold::Full(latest) });
        }
        // Where the end is not known to the second, the last request waits for the earliest end there may be. It then shows whether there
        // is a new window, and cannot be one too many where there is none.
        if wanted == cap && earliest < latest && now < earliest {
            return Err(if self.in_flight > 0 { Hold::Answer(earliest) } else { Hold::Full(earliest) });
        }
        Ok(())
    }

    fn count(&mut self) -> u64 {
        self.number += 1;
        self.in_flight += 1;
        self.number
    }

    /// How much of the window one more request may take, together with those under way and what others take meanwhile.
    fn reserve(&self, now: Instant) -> u64 {
        let own = self.in_flight + 1;
        let Some(span) = &self.span else { return own };
        let others = (self.counted - self.counted.min(span.first)).saturating_sub(span.answers.saturating_sub(1));
        if others == 0 {
            return own;
        }
        if self.in_flight > 0 && now.saturating_duration_since(span.heard) >= STALE {
            return u64::MAX / 2;
        }
        let in_proportion = (own * others).div_ceil(span.answers.max(1));
        // A request that goes alone may find out what others have done for a long time.
        let unseen = if self.in_flight == 0 { Duration::ZERO } else { now.saturating_duration_since(span.heard) };
        own + in_proportion.max(span.taken_in(unseen, others))
    }

    /// Learns from the headers of an answer.
    pub(super) fn observe(&mut self, exchange: Exchange, headers: RateHeaders, time: &ServerTime) {
        let (Some(limit @ 1..), Some(remaining)) = (headers.limit, headers.remaining) else {
            // The server does not tell. What was known of the limit stays true.
            if self.is_opened_by(exchange.number) {
                self.open(exchange, headers, 0, time);
            }
            return;
        };
        self.limit = Some(limit);
        let used = limit.saturating_sub(remaining);
        match (self.span.and_then(|span| span.reset), headers.reset) {
            // An answer of the window before, which another one has overtaken; unless nothing else was under way.
            (Some(known), Some(reset)) if reset < known - SAME && !self.is_opened_by(exchange.number) => {}
            (Some(known), Some(reset)) if reset < known - SAME => self.open(exchange, headers, used, time),
            (Some(known), Some(reset)) if reset <= known + SAME => self.hear(exchange, headers, used),
            (_, None) if self.phase == Phase::Open => self.hear(exchange, headers, used),
            _ => self.open(exchange, headers, used, time),
        }
    }

    /// Takes in another answer of the window that is known.
    fn hear(&mut self, exchange: Exchange, headers: RateHeaders, used: u64) {
        let is_opening = self.is_opened_by(exchange.number);
        let Some(span) = &mut self.span else { return };
        if let Some((_, opened)) = span.opened {
            self.length.lasted(exchange.sent.saturating_duration_since(opened));
        }
        span.heard = span.heard.max(exchange.received);
        span.trip = exchange.received.saturating_duration_since(exchange.sent);
        span.answers += 1;
        if is_opening {
            // It is still the old window, though it should have ended.
            span.not_before = Some(exchange.received + headers.reset_in.unwrap_or_default().min(self.length.longest()) + EARLY);
            self.phase = Phase::Open;
        }
        self.counted = self.counted.max(used);
        self.find(exchange.number);
    }

    /// Takes in the first answer of a window.
    fn open(&mut self, exchange: Exchange, headers: RateHeaders, used: u64, time: &ServerTime) {
        let opened = (used == 1).then_some((exchange.sent, exchange.received));
        let before = self.span.filter(|span| span.reset.is_some_and(|reset| headers.date.is_some_and(|date| date < reset)));
        if let (Some((_, now)), Some((then, _))) = (opened, before.and_then(|span| span.opened)) {
            self.length.over_after(now.saturating_duration_since(then));
        }
        self.span = Some(Span {
            reset: headers.reset,
            opened,
            date: headers.date,
            seen: exchange.received,
            heard: exchange.received,
            trip: exchange.received.saturating_duration_since(exchange.sent),
            first: used,
            answers: 1,
            not_before: None,
        });
        (self.phase, self.counted) = (Phase::Open, used);
        self.measure(time);
        self.find(exchange.number);
    }

    /// Learns of the window's length from its headers. The more is known of the server's clock the more they tell.
    fn measure(&mut self, time: &ServerTime) {
        let Some(Span { reset: Some(reset), opened: Some((sent, _)), date: Some(date), .. }) = self.span else { return };
        if let Some(opened) = time.second_at(sent) {
            self.length.told(opened, date, reset);
        }
    }

    /// Whether it is the answer to this request that shows how many may follow.
    fn is_opened_by(&self, number: u64) -> bool {
        matches!(self.phase, Phase::Opening(opening, _) if opening == number)
    }

    /// An answer to a request that was sent after others were lost shows what became of those.
    fn find(&mut self, number: u64) {
        if number > self.lost.until {
            self.lost.requests = 0;
        }
    }

    pub(super) fn complete(&mut self, number: u64, fate: Fate) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if fate == Fate::Lost {
            self.lost = Lost { requests: self.lost.requests + 1, until: self.number };
        }
        if self.is_opened_by(number) && fate != Fate::Answered {
            self.phase = Phase::Closed;
        }
    }

    /// Sends nothing until then.
    pub(super) fn block(&mut self, until: Instant) {
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// The earliest and the latest time at which the window may end.
    fn ends(&self, time: &ServerTime) -> Option<(Instant, Instant)> {
        let span = self.span?;
        let began = span.opened.map_or(span.seen, |(_, received)| received);
        // A reset that is rounded down may lie up to a second before the end.
        let by_reset = span.reset.and_then(|reset| time.surely_at(reset.saturating_add(1)));
        let by_length = began + self.length.longest();
        let latest = by_reset.map_or(by_length, |end| end.min(by_length)).max(span.not_before.unwrap_or(began)) + MARGIN;
        let earliest = match span.opened {
            Some(_) => Some(began + self.length.shortest()),
            None => span.reset.and_then(|reset| time.surely_at(reset)),
        };
        let earliest = earliest.map_or(latest, |end| end + MARGIN);
        Some((earliest.min(latest), latest))
    }

    /// What a forecast needs to know; `None` before the limit is known.
    pub(super) fn outlook(&self, now: Instant, share: RateShare, time: &ServerTime) -> Option<Outlook> {
        let limit = self.limit?;
        let ends = self.ends(time).map(|(_, latest)| latest).filter(|end| *end > now && self.phase == Phase::Open);
        let used = if ends.is_some() { self.counted + self.in_flight } else { 0 };
        Some(Outlook { cap: share.of(limit), limit, used, ends, length: self.length.longest() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: i64 = 1_598_552_150;

    /// The headers of an answer that comes `after` seconds.
    fn answer(limit: u64, remaining: u64, reset_in: i64, after: i64) -> RateHeaders {
        let (date, ahead) = (DATE + after, Duration::from_secs(reset_in.unsigned_abs()));
        RateHeaders {
            limit: Some(limit),
            remaining: Some(remaining),
            reset_in: Some(ahead),
            reset: Some(date + reset_in),
            date: Some(date),
        }
    }

    /// A window and the clock of its server, which shows `DATE` at `start`.
    struct Seen {
        window: Window,
        time: ServerTime,
        start: Instant,
    }

    impl Seen {
        fn new() -> Self {
            let (mut time, start) = (ServerTime::default(), Instant::now());
            time.observe(DATE, start, start);
            Self { window: Window::default(), time, start }
        }

        fn admit(&mut self, after: u64) -> Result<u64, Hold> {
            self.window.admit(self.at(after), RateShare::default(), &self.time)
        }

        fn answered(&mut self, number: u64, after: u64, headers: RateHeaders) {
            let at = if after == 0 { self.start } else { self.at(after) };
            self.window.observe(Exchange { number, sent: at, received: at }, headers, &self.time);
            self.window.complete(number, Fate::Answered);
        }

        /// Sends as much as is admitted, one after the other.
        fn fill(&mut self, after: u64, limit: u64, mut remaining: u64, reset_in: i64) -> u64 {
            let mut sent = 0;
            while let Ok(number) = self.admit(after) {
                remaining -= 1;
                sent += 1;
                self.answered(number, after, answer(limit, remaining, reset_in - after.cast_signed(), after.cast_signed()));
            }
            sent
        }

        fn at(&self, after: u64) -> Instant {
            self.start + Duration::from_secs(after) + MARGIN
        }
    }

    #[test]
    fn p15_row01_requests_stop_at_the_share_and_go_on_in_the_next_window() {
        let mut seen = Seen::new();
        assert_eq!(seen.fill(0, 50, 50, 60), 40, "80 % of 50");
        assert_eq!(seen.admit(59), Err(Hold::Full(seen.at(60))));
        assert_eq!(seen.fill(61, 50, 50, 121), 40);
    }

    #[test]
    fn p15_row01_the_first_request_of_a_window_goes_alone() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        assert_eq!(seen.admit(1), Err(Hold::Answer(seen.at(2))));
        seen.window.complete(first, Fate::Lost);
        let second = seen.admit(0).unwrap();
        seen.answered(second, 0, answer(50, 49, 60, 0));
        assert!((0..39).all(|_| seen.admit(0).is_ok()));
        assert_eq!(seen.admit(0), Err(Hold::Answer(seen.at(60))), "those under way count as well");
    }

    #[test]
    fn row07_a_request_that_does_not_end_holds_nobody_up() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        let second = seen.admit(2).unwrap();
        seen.answered(second, 2, answer(50, 48, 60, 2));
        assert!(seen.admit(2).is_ok());
        seen.answered(first, 3, answer(50, 49, 59, 3));
        assert_eq!(seen.window.counted, 2);
    }

    #[test]
    fn row03_one_reset_far_ahead_does_not_make_every_window_after_it_wait() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, answer(50, 49, 3_000, 0));
        assert_eq!(seen.fill(62, 50, 50, 122), 40, "the next window is taken for what it is");
    }

    #[test]
    fn p15_what_others_use_of_the_same_credential_counts() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, answer(50, 12, 30, 0));
        assert_eq!(seen.fill(0, 50, 12, 30), 1, "the last one waits for the earliest end");
        assert_eq!(seen.admit(0), Err(Hold::Full(seen.at(30))));
        assert_eq!(seen.fill(31, 50, 50, 91), 40);
    }

    #[test]
    fn p15_near_the_end_of_a_shared_window_there_is_room_for_what_others_take() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, answer(50, 49, 60, 0));
        // Each request of ours sees one more of somebody else's.
        for remaining in (14..=47).rev().step_by(2) {
            let number = seen.admit(0).unwrap();
            seen.answered(number, 0, answer(50, remaining, 60, 0));
        }
        assert_eq!(seen.window.counted, 35);
        assert!((0..2).all(|_| seen.admit(0).is_ok()), "two, and the two that others send meanwhile");
        assert!(seen.admit(0).is_err());
    }

    #[test]
    fn a_new_window_in_the_middle_of_a_listing_starts_the_count_anew() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, answer(50, 11, 2, 0));
        let second = seen.admit(3).unwrap();
        seen.answered(second, 3, answer(50, 49, 60, 3));
        assert_eq!(seen.fill(3, 50, 49, 63), 39);
    }

    #[test]
    fn p15_row01_a_window_that_is_shorter_than_documented_is_found_out_by_a_request_that_can_be_spared() {
        let mut seen = Seen::new();
        // Five seconds, whose end is rounded up.
        assert_eq!(seen.fill(0, 50, 50, 6), 39);
        assert_eq!(seen.admit(0), Err(Hold::Full(seen.at(5))));
        let spared = seen.admit(5).unwrap();
        seen.answered(spared, 5, answer(50, 49, 6, 5));
        assert_eq!(seen.fill(5, 50, 49, 11), 39, "now the end is known");
        assert_eq!(seen.admit(9), Err(Hold::Full(seen.at(10) + MARGIN)));
    }

    #[test]
    fn p15_row01_a_window_that_goes_on_is_waited_for() {
        let mut seen = Seen::new();
        // Six seconds, whose end is rounded down.
        assert_eq!(seen.fill(0, 50, 50, 6), 39);
        let spared = seen.admit(5).unwrap();
        seen.answered(spared, 5, answer(50, 10, 1, 5));
        assert_eq!(seen.admit(5), Err(Hold::Full(seen.at(6))));
    }

    #[test]
    fn requests_without_an_answer_count_until_a_later_one_shows_what_became_of_them() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, answer(50, 20, 60, 0));
        for _ in 0..4 {
            let number = seen.admit(0).unwrap();
            seen.window.complete(number, Fate::Lost);
        }
        assert_eq!(seen.window.lost.requests, 4);
        let later = seen.admit(0).unwrap();
        seen.answered(later, 0, answer(50, 19, 60, 0));
        assert_eq!((seen.window.lost.requests, seen.window.counted), (0, 31));
    }

    #[test]
    fn an_org_that_tells_no_limit_is_not_limited() {
        let mut seen = Seen::new();
        let first = seen.admit(0).unwrap();
        seen.answered(first, 0, RateHeaders::default());
        assert!((0..100).all(|_| seen.admit(0).is_ok()));
    }

    #[test]
    fn p15_row01_nothing_is_sent_while_a_429_blocks() {
        let mut seen = Seen::new();
        let until = seen.start + Duration::from_secs(9);
        seen.window.block(until);
        assert_eq!(seen.admit(0), Err(Hold::Blocked(until)));
        assert!(seen.admit(9).is_ok());
    }
}
