//! One thread that owns the connection.

use crate::error::in_file;
use futures::lock::Mutex;
use idsync_core::{Error, ErrorKind, Result};
use rusqlite::Connection;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Runs closures on the thread that owns the connection, one after the other.
///
/// A caller waits for its turn before it hands its closure over, and the turn ends when the closure has run. So no more than one closure
/// is queued, however many callers come and go, and no caller blocks the thread that it runs on.
///
/// A caller that goes away leaves its closure running to its end, so transactions happen wholly or not at all.
pub(crate) struct Worker {
    path: PathBuf,
    turn: Arc<Mutex<()>>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(mut connection: Connection, path: PathBuf) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name("idsync-sqlite".to_owned()).spawn(move || {
            for job in queue {
                job(&mut connection);
            }
            // Closing folds the write-ahead log into the file; what it cannot fold now, the next opening will.
            let _ = connection.close();
        });
        let thread =
            thread.map_err(|error| Error::new(ErrorKind::Unavailable, "no thread can be started for the database").with_source(error))?;
        Ok(Self { path, turn: Arc::default(), jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` and hands back what it returns.
    pub(crate) async fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (answer, answered) = futures::channel::oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = work(connection);
            drop(turn);
            // Whoever asked may be gone; the work is done all the same.
            let _ = answer.send(result);
        });
        let stopped = || Error::new(ErrorKind::Unavailable, "the thread of the database has stopped").with_remedy("open the file again");
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?.map_err(|error| in_file(&self.path, error))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}
