//! Being told while an app is set up.

use super::journal::Made;
use std::sync::Arc;

/// Is told about each step, before and after.
pub type StepListener = Arc<dyn Fn(&StepOutcome) + Send + Sync>;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepOutcome {
    /// It is being done.
    Begun(String),
    /// It is done, and this was made; `None` when nothing was left to make.
    Done {
        /// The step.
        step: String,
        /// What was made.
        made: Option<Made>,
    },
    /// Nobody knows yet whether it is done; it is looked up.
    Unsure {
        /// The step.
        step: String,
        /// What came instead of an answer.
        reason: String,
    },
}
