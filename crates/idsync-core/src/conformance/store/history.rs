//! The history of runs.

use super::super::Verdict;
use super::StoreFixture;
use super::picture::ensure_rows;
use super::samples::{directory, run};
use crate::RunRecord;

/// “The last `limit` runs, newest first”: in the order in which they were recorded, whatever times they name.
///
/// # Errors
/// The promise is not proven.
pub async fn runs_come_newest_first_and_no_more_than_asked<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    // A clock that was set back must not hide the last run.
    let recorded = [run(5), run(3), run(9), run(4)];
    for run in &recorded {
        store.record_run(&lease, run.clone()).await?;
    }
    let newest_first: Vec<_> = recorded.into_iter().rev().collect();
    for limit in [0, 1, 3, 4, 100, usize::MAX] {
        let found = store.runs(&directory, limit).await?;
        ensure_runs(&found, &newest_first[..limit.min(4)], &format!("the last {limit} runs"))?;
    }
    Ok(())
}

/// “The history, which keeps at least the last 100.”
///
/// # Errors
/// The promise is not proven.
pub async fn the_last_hundred_runs_are_kept<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    for number in 0..250 {
        store.record_run(&lease, run(number)).await?;
    }
    let expected: Vec<_> = (150..250).rev().map(run).collect();
    ensure_runs(&store.runs(&directory, 100).await?, &expected, "the last 100 of 250 runs")
}

fn ensure_runs(found: &[RunRecord], expected: &[RunRecord], what: &str) -> Verdict {
    ensure_rows(found, expected, |run| format!("the run of {}", run.started), what)
}
