//! How many requests are under way at once: additive increase, multiplicative decrease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Answers at the highest good number before one more is tried, which the org has complained of. Doubled with each complaint.
const PATIENCE: usize = 100;
const MOST_PATIENCE: usize = 10_000;

/// Lets through as many requests at once as the org bears. It starts without a limit of its own and finds one by complaints.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug)]
struct State {
    /// How many may be inside; `None` before the first complaint.
    allowed: Option<usize>,
    inside: usize,
    /// The highest number that went well for a while.
    good: usize,
    /// The lowest number of which the org complained lately.
    bad: usize,
    /// The most that were inside since the allowance last changed.
    peak: usize,
    /// Answers since as many were inside as are allowed.
    answers: usize,
    patience: usize,
    /// The number of the last turn, and of the last one before the allowance was lowered.
    last: u64,
    before: u64,
}

/// The right to have one request under way.
#[derive(Debug)]
pub(super) struct Turn {
    gate: Arc<Gate>,
    number: u64,
    /// How many were inside with it when it came.
    level: usize,
}

impl Default for Gate {
    fn default() -> Self {
        let state =
            State { allowed: None, inside: 0, good: 0, bad: usize::MAX, peak: 0, answers: 0, patience: PATIENCE, last: 0, before: 0 };
        Self { state: Mutex::new(state), left: Notify::new() }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn enter(self: &Arc<Self>) -> Turn {
        loop {
            {
                let mut state = self.state();
                if state.allowed.is_none_or(|allowed| state.inside < allowed) {
                    return self.turn(&mut state);
                }
            }
            // A permit given between the check and here is stored, so that it is not missed.
            self.left.notified().await;
        }
    }

    /// Enters although there is no room.
    pub(super) fn squeeze_in(self: &Arc<Self>) -> Turn {
        self.turn(&mut self.state())
    }

    fn turn(self: &Arc<Self>, state: &mut State) -> Turn {
        state.inside += 1;
        state.peak = state.peak.max(state.inside);
        state.last += 1;
        Turn { gate: Arc::clone(self), number: state.last, level: state.inside }
    }

    #[cfg(test)]
    fn allowed(&self) -> Option<usize> {
        self.state().allowed
    }
}

impl State {
    /// An answer came without complaint. True when one more may enter.
    fn widen(&mut self, number: u64) -> bool {
        let Some(allowed) = self.allowed else { return false };
        // Answers from before the last complaint prove nothing, nor do those with fewer inside than might have been.
        if number <= self.before || self.peak < allowed {
            return false;
        }
        self.answers += 1;
        if self.answers < allowed {
            return false;
        }
        self.good = allowed;
        if allowed >= self.bad {
            (self.bad, self.patience) = (usize::MAX, PATIENCE);
        }
        if allowed + 1 >= self.bad && self.answers < self.patience {
            return false;
        }
        if allowed + 1 >= self.bad {
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
        (self.allowed, self.answers, self.peak) = (Some(allowed + 1), 0, self.inside);
        true
    }

    /// The org complained of too many at once. Complaints of requests that were under way together count once.
    fn narrow(&mut self, number: u64, level: usize) {
        if number <= self.before {
            return;
        }
        let most = self.inside.max(level);
        let tried = self.allowed.map_or(most, |allowed| allowed.min(most));
        self.bad = tried;
        let allowed = match self.good {
            0 => tried / 2,
            good if good < tried => good,
            // What went well until now does not any more: others use the org, too.
            _ => tried * 3 / 4,
        };
        if self.good >= tried {
            self.good = 0;
        }
        (self.allowed, self.answers, self.peak, self.before) = (Some(allowed.max(1)), 0, 0, self.last);
    }
}

impl Turn {
    /// Its answer came without complaint.
    pub(super) fn went_well(&self) {
        let is_wider = self.gate.state().widen(self.number);
        if is_wider {
            self.gate.left.notify_one();
        }
    }

    /// Its answer complained of too many at once.
    pub(super) fn was_too_many(&self) {
        self.gate.state().narrow(self.number, self.level);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.state().inside -= 1;
        self.gate.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter(gate: &Arc<Gate>, count: usize) -> Vec<Turn> {
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(gate.enter().await);
        }
        turns
    }

    /// An org that bears `limit` at once is sent as many as are allowed, `rounds` times. Counts its complaints.
    async fn run(gate: &Arc<Gate>, wanted: usize, limit: usize, rounds: usize) -> usize {
        let mut complaints = 0;
        for _ in 0..rounds {
            let turns = enter(gate, gate.allowed().unwrap_or(wanted).min(wanted)).await;
            for (place, turn) in turns.iter().enumerate() {
                if place >= limit {
                    complaints += 1;
                    turn.was_too_many();
                } else {
                    turn.went_well();
                }
            }
        }
        complaints
    }

    #[tokio::test]
    async fn p15_row02_the_concurrency_halves_on_complaint_and_recovers_one_by_one() {
        let gate = Arc::new(Gate::default());
        let turns = enter(&gate, 8).await;
        turns.iter().for_each(Turn::was_too_many);
        assert_eq!(gate.allowed(), Some(4), "eight complaints of one burst are one");
        drop(turns);
        run(&gate, 8, 8, 1).await;
        assert_eq!(gate.allowed(), Some(5));
        run(&gate, 8, 8, 200).await;
        assert_eq!(gate.allowed(), Some(9), "no limit for those who want eight");
    }

    #[tokio::test]
    async fn p15_row02_the_concurrency_settles_at_what_the_org_bears_and_asks_for_more_but_rarely() {
        let gate = Arc::new(Gate::default());
        let complaints = run(&gate, 8, 5, 1).await;
        assert_eq!(complaints, 3);
        let complaints = run(&gate, 8, 5, 400).await;
        assert!(complaints <= 6, "{complaints} complaints in about 2000 requests");
        assert_eq!(gate.allowed(), Some(5));
        run(&gate, 8, 3, 400).await;
        assert_eq!(gate.allowed(), Some(3));
        run(&gate, 8, 8, 5_000).await;
        assert_eq!(gate.allowed(), Some(9), "it finds out when the org bears more");
    }

    #[tokio::test]
    async fn a_waiting_request_gets_its_turn_when_another_is_dropped() {
        let gate = Arc::new(Gate::default());
        let first = gate.enter().await;
        first.was_too_many();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { drop(gate.enter().await) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        tokio::time::timeout(std::time::Duration::from_secs(5), waiting).await.unwrap().unwrap();
    }
}
