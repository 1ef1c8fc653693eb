//! Runs whenever it is time to.

use crate::{SyncEngine, SyncError, SyncReport};
use futures::{Stream, StreamExt};

impl SyncEngine {
    /// One run per tick. A tick that comes while a run is under way waits; ticks end, so does this. An error does not end it: the next
    /// tick tries again.
    ///
    /// The stream may be dropped at any time; a run that is under way is broken off like a [`SyncEngine::sync`] whose future is dropped.
    ///
    /// The engine knows no timers; make the ticks with whatever your runtime offers.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # async fn example(engine: idsync_engine::SyncEngine, ticks: impl futures::Stream<Item = ()> + Send + 'static) {
    /// let mut reports = std::pin::pin!(engine.run(ticks));
    /// while let Some(report) = reports.next().await {
    ///     match report {
    ///         Ok(report) => println!("{report}"),
    ///         Err(error) => eprintln!("{error}; {}", error.remedy()),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn run<T>(self, ticks: T) -> impl Stream<Item = Result<SyncReport, SyncError>> + Send
    where
        T: Stream<Item = ()> + Send + 'static,
    {
        ticks.then(move |()| {
            let engine = self.clone();
            async move { engine.sync().await }
        })
    }
}
