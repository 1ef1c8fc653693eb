//! One thread, no time: tasks are polled in an order that the seed decides, and dropped where it says so.

use crate::universe::{Oracle, Universe};
use crate::watch::Watch;
use futures::future::BoxFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A task, and what is to become of it.
pub(crate) struct Task<'a> {
    pub(crate) name: &'static str,
    pub(crate) future: BoxFuture<'a, ()>,
    pub(crate) role: Role<'a>,
}

/// What a task is for.
pub(crate) enum Role<'a> {
    /// The others are waited for; this one is dropped once they are done.
    Background,
    /// It is waited for, and dropped after a poll once this says so.
    Foreground(&'a Watch),
}

struct Running<'a> {
    task: Task<'a>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// More polls than any run in a world of this size can need.
const MOST_POLLS: u64 = 100_000;

/// Runs the tasks until all are done but those in the background. What goes wrong on the way is reported to the universe.
pub(crate) fn run(universe: &Universe, tasks: Vec<Task<'_>>) {
    let mut running: Vec<_> = tasks.into_iter().map(|task| Running { task, woken: Arc::new(Woken(AtomicBool::new(true))) }).collect();
    let mut polls = 0_u64;
    while running.iter().any(|running| !matches!(running.task.role, Role::Background)) {
        let woken: Vec<_> = (0..running.len()).filter(|index| running[*index].woken.0.load(Ordering::Relaxed)).collect();
        let Some(index) = universe.random().pick(&woken).copied() else {
            universe.violate(Oracle::Progress, format!("{} waits for something that never comes", running[0].task.name));
            return;
        };
        polls += 1;
        if polls > MOST_POLLS {
            universe.violate(Oracle::Progress, format!("{} is not done after {MOST_POLLS} polls", running[index].task.name));
            return;
        }
        if step(universe, &mut running[index]) == Step::Over {
            drop(running.remove(index));
        }
    }
}

#[derive(PartialEq, Eq)]
enum Step {
    GoesOn,
    Over,
}

fn step(universe: &Universe, running: &mut Running<'_>) -> Step {
    running.woken.0.store(false, Ordering::Relaxed);
    let waker = Waker::from(Arc::clone(&running.woken));
    let mut context = Context::from_waker(&waker);
    let polled = catch_unwind(AssertUnwindSafe(|| running.task.future.as_mut().poll(&mut context)));
    match polled {
        Ok(Poll::Ready(())) => Step::Over,
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            universe.violate(Oracle::Progress, format!("{} panicked: {}", running.task.name, said.unwrap_or_default()));
            Step::Over
        }
        Ok(Poll::Pending) => match &running.task.role {
            Role::Foreground(watch) if watch.polled() => {
                universe.note(format_args!("{} crashes", running.task.name));
                Step::Over
            }
            _ => Step::GoesOn,
        },
    }
}
