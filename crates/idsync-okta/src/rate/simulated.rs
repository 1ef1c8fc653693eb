//! The governor against a simulated org, in virtual time.

use super::bucket::Bucket;
use super::counters::Counters;
use super::forecast::Remaining;
use super::governor::{Blocked, Governor};
use super::headers::RateHeaders;
use super::share::RateShare;
use crate::clock::{Timer, TokioTimer};
use crate::usage::Usage;
use futures::stream::{self, StreamExt};
use proptest::prelude::{Just, ProptestConfig, prop_oneof, proptest};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a server makes whole seconds of the end of a window.
#[derive(Debug, Clone, Copy)]
enum Rounding {
    Up,
    Down,
    /// Windows begin with the second in which their first request comes.
    Aligned,
}

#[derive(Debug, Clone, Copy)]
struct Setting {
    limit: u64,
    window: u64,
    rounding: Rounding,
    latency: Duration,
    /// How far the server's clock is ahead of the local one, in milliseconds.
    offset: u64,
    /// How many requests the server bears at once.
    at_once: u64,
}

impl Setting {
    const fn new(limit: u64, window: u64, rounding: Rounding) -> Self {
        Self { limit, window, rounding, latency: Duration::from_millis(30), offset: 250, at_once: u64::MAX }
    }
}

struct Org {
    setting: Setting,
    start: Instant,
    window: Mutex<(u64, u64)>,
    inside: AtomicU64,
    asked: AtomicU64,
    refused: AtomicU64,
}

impl Org {
    fn new(setting: Setting) -> Self {
        let [inside, asked, refused] = [0; 3].map(AtomicU64::new);
        Self { setting, start: Instant::now(), window: Mutex::new((0, 0)), inside, asked, refused }
    }

    fn millis(&self) -> u64 {
        1_600_000_000_000 + self.setting.offset + self.start.elapsed().as_millis() as u64
    }

    /// Counts a request: status, limit, remaining, reset.
    fn count(&self) -> (u16, u64, u64, u64) {
        let (now, length) = (self.millis(), self.setting.window * 1000);
        let mut window = self.window.lock().unwrap();
        if now >= window.0 + length {
            let start = if matches!(self.setting.rounding, Rounding::Aligned) { now / 1000 * 1000 } else { now };
            *window = (start, 0);
        }
        let is_over = window.1 >= self.setting.limit;
        window.1 += u64::from(!is_over);
        let end = window.0 + length;
        let reset = if matches!(self.setting.rounding, Rounding::Up) { end.div_ceil(1000) } else { end / 1000 };
        (if is_over { 429 } else { 200 }, self.setting.limit, self.setting.limit - window.1, reset)
    }

    async fn answer(&self) -> (u16, RateHeaders) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        sleep(self.setting.latency / 2).await;
        let inside = self.inside.fetch_add(1, Ordering::Relaxed) + 1;
        let (status, limit, remaining, reset) =
            if inside > self.setting.at_once { (429, 0, 0, self.millis() / 1000 + 120) } else { self.count() };
        let date = (self.millis() / 1000).cast_signed();
        let reset = reset.cast_signed();
        if status == 429 {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        sleep(self.setting.latency / 2).await;
        self.inside.fetch_sub(1, Ordering::Relaxed);
        let reset_in = Some(Duration::from_secs((reset - date).max(0).unsigned_abs()));
        (status, RateHeaders { limit: Some(limit), remaining: Some(remaining), reset_in, reset: Some(reset), date: Some(date) })
    }

    /// Asks until there is an answer.
    async fn ask(&self, governor: &Governor) {
        loop {
            let mut permit = governor.admit(Bucket::Groups, Duration::MAX).await.unwrap();
            permit.send();
            let (status, headers) = self.answer().await;
            permit.answered(status, headers);
            drop(permit);
            if status == 200 {
                return;
            }
            if headers.limit == Some(0) {
                sleep(Duration::from_millis(100)).await;
            }
        }
    }

    async fn ask_often(&self, governor: &Governor, requests: u64) {
        stream::iter(0..requests).for_each_concurrent(12, |_| self.ask(governor)).await;
    }
}

fn governor(counters: &Arc<Counters>, percent: u8) -> Governor {
    governor_that_tells(counters, percent, Arc::default())
}

fn governor_that_tells(counters: &Arc<Counters>, percent: u8, usage: Arc<Usage>) -> Governor {
    let share = RateShare::percent(percent).unwrap();
    let timer = Arc::new(TokioTimer) as Arc<dyn Timer>;
    Governor::new((Arc::clone(counters), Arc::default()), share, NonZeroUsize::new(8).unwrap(), timer, usage)
}

fn whole() -> Governor {
    governor(&Arc::default(), 100)
}

fn in_virtual_time<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test)
}

/// How much longer than the optimum `requests` take, in seconds, and the refusals.
fn run(setting: Setting, requests: u64) -> (f64, f64, u64) {
    in_virtual_time(async {
        // The phase of the local clock within the server's second differs as well.
        let org = Org::new(setting);
        org.ask_often(&whole(), requests).await;
        let optimum = (setting.window * (requests.div_ceil(setting.limit) - 1)) as f64;
        (org.start.elapsed().as_secs_f64(), optimum, org.refused.load(Ordering::Relaxed))
    })
}

/// What cannot be avoided beside the windows: the requests of the last one.
fn last(setting: Setting, requests: u64) -> f64 {
    setting.latency.as_secs_f64() * ((requests % setting.limit).div_ceil(8) + 2) as f64
}

#[test]
fn p15_row01_the_whole_of_the_limit_is_used_and_nothing_more() {
    for rounding in [Rounding::Up, Rounding::Down, Rounding::Aligned] {
        for (limit, window, requests) in [(300, 5, 901), (300, 5, 1_290), (50, 60, 225), (250, 60, 820), (20, 10, 130)] {
            let setting = Setting::new(limit, window, rounding);
            let (took, optimum, refused) = run(setting, requests);
            let ratio = took / (optimum + last(setting, requests));
            println!("{rounding:?} {limit} per {window} s, {requests} requests: {took:.2} s, {ratio:.3} of the optimum, {refused} refused");
            assert_eq!(refused, 0, "{setting:?}");
            assert!(ratio <= 1.05, "{setting:?}: {ratio}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn p15_row01_no_window_phase_or_clock_makes_the_governor_send_too_much_or_wait_too_long(
        limit in 10_u64..120,
        window in prop_oneof![Just(5_u64), Just(10), Just(60)],
        rounding in prop_oneof![Just(Rounding::Up), Just(Rounding::Down), Just(Rounding::Aligned)],
        windows in 4_u64..8,
        rest in 2_u64..8,
        offset in 0_u64..5_000,
        latency in 2_u64..200,
    ) {
        let latency = Duration::from_millis(latency);
        let setting = Setting { offset, latency, ..Setting::new(limit, window, rounding) };
        let requests = limit * windows + rest;
        let (took, optimum, refused) = run(setting, requests);
        // A round trip belongs to each window, for who opens it learns of it by an answer. A second is what it may take to learn the length.
        let allowed = 1.05 * (optimum + last(setting, requests)) + windows as f64 * latency.as_secs_f64() + 1.0;
        assert_eq!(refused, 0);
        assert!(took <= allowed, "{took} s, and the optimum is {optimum} s");
    }
}

#[test]
fn p15_a_share_is_kept_window_by_window_and_by_all_clients_of_a_credential_together() {
    in_virtual_time(async {
        let setting = Setting::new(100, 60, Rounding::Down);
        let org = Org::new(setting);
        let counters = Arc::default();
        let (one, other) = (governor(&counters, 80), governor(&counters, 80));
        futures::join!(org.ask_often(&one, 120), org.ask_often(&other, 120));
        let took = org.start.elapsed().as_secs();
        assert_eq!((took, org.refused.load(Ordering::Relaxed)), (120, 0), "240 requests are three windows of 80");
    });
}

#[test]
fn p15_a_competitor_costs_at_most_one_refusal_a_window() {
    for rounding in [Rounding::Up, Rounding::Down] {
        in_virtual_time(async {
            let setting = Setting { latency: Duration::from_millis(60), ..Setting::new(300, 5, rounding) };
            let org = Org::new(setting);
            let refused = AtomicU64::new(0);
            let compete = async {
                // About as fast as the one that is tested.
                let one = || async {
                    loop {
                        let (status, _) = org.answer().await;
                        refused.fetch_add(u64::from(status == 429), Ordering::Relaxed);
                        sleep(Duration::from_millis(if status == 429 { 500 } else { 3 })).await;
                    }
                };
                futures::future::join_all((0..6).map(|_| one())).await;
            };
            let read = whole();
            let reading = std::pin::pin!(org.ask_often(&read, 1_500));
            let competing = std::pin::pin!(compete);
            futures::future::select(reading, competing).await;
            let windows = org.start.elapsed().as_secs_f64() / 5.0;
            let own = org.refused.load(Ordering::Relaxed) - refused.load(Ordering::Relaxed);
            println!("{rounding:?}: {own} refusals in {windows:.1} windows");
            assert!(own as f64 <= windows.ceil(), "{own} refusals in {windows} windows");
            assert!(windows < 15.0, "{windows}");
        });
    }
}

#[test]
fn p15_row02_an_org_that_bears_five_at_once_is_sent_five_at_once() {
    in_virtual_time(async {
        let setting = Setting { at_once: 5, ..Setting::new(100_000, 60, Rounding::Down) };
        let org = Org::new(setting);
        org.ask_often(&whole(), 800).await;
        let optimum = 0.03 * 800.0 / 5.0;
        let (took, asked, refused) =
            (org.start.elapsed().as_secs_f64(), org.asked.load(Ordering::Relaxed), org.refused.load(Ordering::Relaxed));
        println!("{took:.2} s, {:.2} of the optimum, {refused} refused of {asked}", took / optimum);
        assert!(took <= 1.3 * optimum, "{took}");
        assert!(refused * 20 <= 800, "{refused}");
    });
}

#[test]
fn p15_row01_a_wait_that_the_org_asks_for_is_waited_for_by_those_who_have_the_patience_and_told_to_the_others() {
    in_virtual_time(async {
        let counters = Arc::default();
        let (one, other) = (governor(&counters, 80), governor(&counters, 80));
        let (start, hour, minute) = (Instant::now(), Duration::from_secs(3600), Duration::from_secs(60));
        one.block(Bucket::Groups, hour);
        sleep(minute).await;
        for client in [&one, &other] {
            assert_eq!(client.admit(Bucket::Groups, minute).await.unwrap_err(), Blocked { rest: hour - minute });
        }
        assert!(other.admit(Bucket::Users, minute).await.is_ok(), "another bucket is another matter");
        assert_eq!(start.elapsed(), minute);
        assert!(other.admit(Bucket::Groups, hour).await.is_ok());
        assert!(start.elapsed() >= hour);
    });
}

#[test]
fn row40_requests_that_nobody_polls_hold_nobody_up_for_ever() {
    in_virtual_time(async {
        let setting = Setting::new(20, 60, Rounding::Down);
        let org = Org::new(setting);
        let governor = whole();
        // Some have an answer, some wait for a place in the window, and then nobody polls any of them.
        let mut forgotten: stream::FuturesUnordered<_> = (0..40).map(|_| org.ask(&governor)).collect();
        for _ in 0..4 {
            _ = forgotten.next().await;
            tokio::time::timeout(Duration::from_secs(150), org.ask(&governor)).await.expect("it is sent in the end");
        }
    });
}

#[test]
fn p15_a_wait_is_told_once_whoever_waits_and_a_forecast_says_how_it_goes_on() {
    in_virtual_time(async {
        let org = Org::new(Setting::new(100, 60, Rounding::Down));
        let told = Arc::new(AtomicU64::new(0));
        let listener = {
            let told = Arc::clone(&told);
            Arc::new(move |_| _ = told.fetch_add(1, Ordering::Relaxed))
        };
        let governor = governor_that_tells(&Arc::default(), 80, Arc::new(Usage::new(Some(listener))));
        org.ask_often(&governor, 200).await;
        assert_eq!(told.load(Ordering::Relaxed), 2, "two windows had to end");
        let [_, groups] = governor.forecast(Remaining::default().with_groups(100)).try_into().unwrap();
        let done_in = groups.done_in.map(|time| time.as_secs());
        assert!(matches!((done_in, groups.used_percent), (Some(58..=60), Some(80))), "{groups:?}");
    });
}
