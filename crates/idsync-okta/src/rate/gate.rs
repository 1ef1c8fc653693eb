//! How many requests are under way at once: additive increase, multiplicative decrease.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug)]
struct State {
    ceiling: usize,
    allowed: usize,
    inside: usize,
    most: usize,
    /// Answers since the allowance last changed.
    answers: usize,
}

/// The right to have one request under way.
#[derive(Debug)]
pub(super) struct Turn(Arc<Gate>);

impl Gate {
    pub(super) fn new(ceiling: NonZeroUsize) -> Arc<Self> {
        let state = State { ceiling: ceiling.get(), allowed: ceiling.get(), inside: 0, most: 0, answers: 0 };
        Arc::new(Self { state: Mutex::new(state), left: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn enter(self: &Arc<Self>) -> Turn {
        loop {
            {
                let mut state = self.state();
                if state.inside < state.allowed {
                    state.inside += 1;
                    state.most = state.most.max(state.inside);
                    return Turn(Arc::clone(self));
                }
            }
            // A permit given between the check and here is stored, so that it is not missed.
            self.left.notified().await;
        }
    }

    /// An answer came without complaint: after as many as may be under way, one more may.
    pub(super) fn widen(&self) {
        let mut state = self.state();
        state.answers += 1;
        if state.allowed < state.ceiling && state.answers >= state.allowed {
            (state.allowed, state.answers) = (state.allowed + 1, 0);
            drop(state);
            self.left.notify_one();
        }
    }

    /// The org complained of too many at once. Complaints of requests that were under way together count once.
    pub(super) fn narrow(&self) {
        let mut state = self.state();
        if state.inside <= state.allowed {
            (state.allowed, state.answers) = ((state.allowed / 2).max(1), 0);
        }
    }

    pub(super) fn most_inside(&self) -> usize {
        self.state().most
    }

    #[cfg(test)]
    pub(super) fn allowed(&self) -> usize {
        self.state().allowed
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state().inside -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn p15_row02_the_concurrency_halves_on_complaint_and_recovers_one_by_one() {
        let gate = Gate::new(NonZeroUsize::new(8).unwrap());
        let mut turns = Vec::new();
        for _ in 0..8 {
            turns.push(gate.enter().await);
        }
        gate.narrow();
        gate.narrow();
        assert_eq!(gate.allowed(), 4, "eight complaints of one burst are one");
        turns.clear();
        gate.narrow();
        assert_eq!(gate.allowed(), 2);
        (0..2 + 3).for_each(|_| gate.widen());
        assert_eq!(gate.allowed(), 4);
        (0..100).for_each(|_| gate.widen());
        assert_eq!((gate.allowed(), gate.most_inside()), (8, 8));
    }

    #[tokio::test]
    async fn a_waiting_request_gets_its_turn_when_another_is_dropped() {
        let gate = Gate::new(NonZeroUsize::MIN);
        let first = gate.enter().await;
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { drop(gate.enter().await) }
        });
        tokio::task::yield_now().await;
        drop(first);
        tokio::time::timeout(std::time::Duration::from_secs(5), waiting).await.unwrap().unwrap();
    }
}
