//! The counters that Okta keeps per group of endpoints, as seen from outside.

use super::headers::RateHeaders;
use super::share::RateShare;
use std::time::Duration;
use tokio::time::Instant;

/// A window lasts a minute from its first request on; one second is added for rounding.
const WINDOW: Duration = Duration::from_secs(61);
/// Two ends of a window that lie closer together than this are the same end.
const SAME: Duration = Duration::from_secs(3);

/// A group of endpoints that share one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Bucket {
    /// Everything about apps, which is the smallest of all.
    Apps,
    /// The clients of the authorization server, and their roles.
    Clients,
    /// One group by id.
    Group,
    /// The list of groups, and all lists of members.
    Groups,
    /// Custom roles and resource sets.
    Iam,
    /// Everything else.
    Other,
    /// The token endpoint.
    Token,
    /// One user by id.
    User,
    /// The list of users.
    Users,
}

impl Bucket {
    pub(crate) const ALL: [Self; 9] =
        [Self::Apps, Self::Clients, Self::Group, Self::Groups, Self::Iam, Self::Other, Self::Token, Self::User, Self::Users];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Apps => "apps",
            Self::Clients => "clients",
            Self::Group => "group",
            Self::Groups => "groups",
            Self::Iam => "iam",
            Self::Other => "other",
            Self::Token => "token",
            Self::User => "user",
            Self::Users => "users",
        }
    }
}

/// One counter: what was used of the window that is running.
#[derive(Debug, Default)]
pub(super) struct Window {
    limit: Option<u64>,
    used: u64,
    in_flight: u64,
    ends: Option<Instant>,
    blocked_until: Option<Instant>,
}

impl Window {
    /// Counts one request, or says when the next may be tried.
    pub(super) fn admit(&mut self, now: Instant, share: RateShare) -> Result<(), Instant> {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Err(until);
            }
            self.blocked_until = None;
        }
        if self.ends.is_some_and(|end| now >= end) {
            (self.used, self.ends) = (self.in_flight, None);
        }
        let ends = *self.ends.get_or_insert(now + WINDOW);
        if self.limit.is_some_and(|limit| self.used >= share.of(limit)) {
            return Err(ends);
        }
        self.used += 1;
        self.in_flight += 1;
        Ok(())
    }

    /// Learns from the headers of an answer.
    pub(super) fn observe(&mut self, now: Instant, headers: RateHeaders) {
        let (Some(limit @ 1..), Some(remaining)) = (headers.limit, headers.remaining) else { return };
        self.limit = Some(limit);
        let used = limit.saturating_sub(remaining);
        let Some(reset_in) = headers.reset_in else {
            self.used = self.used.max(used);
            return;
        };
        let end = now + reset_in.min(WINDOW) + Duration::from_secs(1);
        if self.ends.is_some_and(|known| end > known + SAME) {
            // The server has begun a new window; of what is under way, it may not have counted anything yet.
            self.used = used + self.in_flight.saturating_sub(1);
        } else {
            // The server counts what others send with the same credential, and answers overtake each other.
            self.used = self.used.max(used);
        }
        self.ends = Some(end);
    }

    pub(super) fn complete(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(super) fn block(&mut self, until: Instant) {
        self.blocked_until = self.blocked_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(limit: u64, remaining: u64, reset_in: u64) -> RateHeaders {
        RateHeaders { limit: Some(limit), remaining: Some(remaining), reset_in: Some(Duration::from_secs(reset_in)) }
    }

    /// Sends until the window is full, at one instant.
    fn fill(window: &mut Window, now: Instant) -> u64 {
        let mut sent = 0;
        while window.admit(now, RateShare::default()).is_ok() {
            window.complete();
            sent += 1;
            assert!(sent < 1000, "no limit holds");
        }
        sent
    }

    #[test]
    fn p15_row01_requests_stop_at_the_share_and_go_on_in_the_next_window() {
        let (mut window, start) = (Window::default(), Instant::now());
        window.admit(start, RateShare::default()).unwrap();
        window.complete();
        window.observe(start, answer(50, 49, 30));
        assert_eq!(fill(&mut window, start), 39, "80 % of 50, less the first");
        assert_eq!(window.admit(start, RateShare::default()), Err(start + Duration::from_secs(31)));
        assert_eq!(fill(&mut window, start + Duration::from_secs(31)), 40);
    }

    #[test]
    fn p15_what_others_use_of_the_same_credential_counts() {
        let (mut window, start) = (Window::default(), Instant::now());
        window.admit(start, RateShare::default()).unwrap();
        window.complete();
        window.observe(start, answer(50, 12, 30));
        assert_eq!(fill(&mut window, start), 2);
    }

    #[test]
    fn a_new_window_in_the_middle_of_a_listing_starts_the_count_anew() {
        let (mut window, start) = (Window::default(), Instant::now());
        window.admit(start, RateShare::default()).unwrap();
        window.complete();
        window.observe(start, answer(50, 11, 2));
        window.observe(start + Duration::from_secs(2), answer(50, 49, 60));
        assert_eq!(fill(&mut window, start + Duration::from_secs(2)), 39);
    }

    #[test]
    fn p15_row01_nothing_is_sent_while_a_429_blocks() {
        let (mut window, start) = (Window::default(), Instant::now());
        let until = start + Duration::from_secs(9);
        window.block(until);
        assert_eq!(window.admit(start, RateShare::default()), Err(until));
        assert!(window.admit(until, RateShare::default()).is_ok());
    }
}
