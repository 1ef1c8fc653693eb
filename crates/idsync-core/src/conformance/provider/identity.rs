//! Which directory this is, and whether it can be read.

use super::super::Verdict;
use super::super::tools::{ensure, ensure_eq};
use super::ProviderFixture;
use super::read::Seeded;
use super::world::{company, company_without};

/// “The answer is the same as long as the connection leads to the same org and the scope is the same”, whatever is in it.
///
/// # Errors
/// The promise is not proven.
pub async fn a_provider_says_the_same_of_its_directory_every_time(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let first = seeded.provider.identify().await?;
    let (user, group) = (seeded.a_user()?.clone(), seeded.a_group()?.clone());
    let changed = Seeded::with(fixture, &company_without(&user, &group)?).await?;
    for provider in [&seeded.provider, &changed.provider, &seeded.provider] {
        let again = provider.identify().await?;
        ensure_eq(&again.id, &first.id, "the id of the directory")?;
        ensure_eq(&again.scope, &first.scope, "the scope")?;
    }
    Ok(())
}

/// `check` is `Ok` where “the credential works, and at least one user and one group are visible”.
///
/// # Errors
/// The promise is not proven.
pub async fn check_accepts_a_directory_that_can_be_read(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    seeded.a_user()?;
    seeded.a_group()?;
    Ok(seeded.provider.check().await?)
}

/// “How many requests this provider has made so far”: numbers that only grow.
///
/// # Errors
/// The promise is not proven.
pub async fn usage_only_grows(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let mut before = seeded.provider.usage();
    for _ in 0..3 {
        seeded.ensure_shown().await?;
        let after = seeded.provider.usage();
        let buckets = before.by_bucket.iter().all(|(bucket, count)| after.by_bucket.get(bucket).is_some_and(|now| now >= count));
        let grew = buckets && before.total <= after.total && before.retried <= after.retried && before.rate_limited <= after.rate_limited;
        ensure(grew, || format!("the usage went from {before:?} to {after:?}"))?;
        before = after;
    }
    Ok(())
}
