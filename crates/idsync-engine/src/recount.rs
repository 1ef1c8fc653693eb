//! What a delivery counts for with limits, once it is known what the sink refused.

use crate::confirm::Fates;
use crate::note::PlanNote;
use crate::packs;
use crate::recent::Counted;
use futures::TryStreamExt;
use idsync_core::{Detail, Lease, Mark, Result, StateStore};

/// Takes what the sink refused out of what changed lately: it comes again, and would count again each time.
pub(crate) async fn leave_out_refused(store: &dyn StateStore, lease: &Lease, note: &mut PlanNote) -> Result<()> {
    let mut applied = Counted::default();
    // What is applied and is held no more goes for itself.
    let fates = Fates::default();
    let mut pages = store.staged(&lease.directory, None, Detail::Digests);
    while let Some(rows) = pages.try_next().await? {
        for row in rows {
            for row in packs::unpack(row)?.iter().filter(|row| row.mark == Mark::Apply) {
                applied.count(row, &fates)?;
            }
        }
    }
    // What somebody approved is applied and was not counted, so that this may be too little, but never too much.
    note.head.recent.take_out(&note.counted.beyond(&applied));
    Ok(())
}
