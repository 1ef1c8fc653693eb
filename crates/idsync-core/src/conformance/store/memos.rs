//! What the engine wants to remember beside base and journal.

use super::super::Verdict;
use super::super::tools::ensure_eq;
use super::StoreFixture;
use super::method::{MEMO, Method, acquire_prepared};
use super::samples::directory;

/// “Keeps a small text or record under `name`, in place of what was there; `None` forgets it.”
///
/// # Errors
/// The promise is not proven.
pub async fn a_memo_is_kept_until_it_is_replaced_or_forgotten<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    ensure_eq(&store.memo(&directory, "one").await?, &None, "a memo that was never kept")?;
    let lease = store.acquire(&directory, "first").await?;
    let any_bytes: Vec<u8> = (0..=255).collect();
    for memo in [Some(any_bytes.clone()), Some(Vec::new()), Some(b"text".to_vec()), None, Some(any_bytes)] {
        store.set_memo(&lease, "one", memo.clone()).await?;
        ensure_eq(&store.memo(&directory, "one").await?, &memo, "the memo that was kept last")?;
        ensure_eq(&store.memo(&directory, "One").await?, &None, "a memo of another name")?;
    }
    Ok(())
}

/// “Journals and commits leave it alone.”
///
/// # Errors
/// The promise is not proven.
pub async fn journals_and_commits_leave_memos_alone<F: StoreFixture>(fixture: &F) -> Verdict {
    for method in Method::ALL.into_iter().filter(|method| *method != Method::SetMemo) {
        let (place, directory) = (fixture.place().await?, directory()?);
        let store = fixture.open(&place).await?;
        let lease = acquire_prepared(&*store, &directory).await?;
        method.call(&*store, &lease).await?;
        ensure_eq(&store.memo(&directory, MEMO).await?, &Some(b"memo".to_vec()), &format!("the memo after {}", method.name()))?;
    }
    Ok(())
}
