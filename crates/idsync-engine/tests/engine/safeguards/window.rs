//! What limits let go in the course of time.

use super::{HOUR, Kind, World, active, check};
use idsync_core::{ManualClock, Timestamp};
use idsync_engine::Limit;
use std::sync::Arc;

#[test]
fn p04_row27_a_slow_leak_is_stopped_by_the_window() {
    for kind in Kind::ALL {
        let world = World::new(60, 1);
        let limits = kind.limits(Limit::Count(10));
        for (run, may) in [(0, true), (1, true), (2, false)] {
            world.remove(kind, run * 4, 4);
            check(&mut 0, &world, limits, may, &format!("{kind:?} in run {run}"));
            world.clock.advance(HOUR);
        }
        // 22 hours later the first removals have left the window.
        world.clock.advance(22 * HOUR);
        check(&mut 0, &world, limits, true, &format!("{kind:?} a day later"));
    }
}

#[test]
fn p04_a_clock_that_was_ahead_once_does_not_hold_for_years() {
    let mut world = World::new(60, 1);
    let (now, limits) = (Timestamp::UNIX_EPOCH, Kind::Users.limits(Limit::Count(10)));
    world.clock.advance(87_600 * HOUR);
    world.remove(Kind::Users, 0, 6);
    check(&mut 0, &world, limits, true, "ten years ahead");
    world.clock = Arc::new(ManualClock::new(now));
    world.remove(Kind::Users, 6, 6);
    check(&mut 0, &world, limits, false, "the clock is right again");
    // Any change that is applied says what time it is.
    world.provider.put_user(active(900));
    world.sync(limits);
    world.clock.advance(24 * HOUR);
    check(&mut 0, &world, limits, true, "a day later");
}
