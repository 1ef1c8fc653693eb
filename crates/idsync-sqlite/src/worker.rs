//! One thread that owns the connection.

use crate::error::in_file;
use idsync_core::{Error, ErrorKind, Result};
use rusqlite::Connection;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Runs closures on the thread that owns the connection, one after the other.
///
/// Every caller waits for its answer, so that no more closures are queued than there are callers; those of callers that went away
/// meanwhile are passed over. A closure that has begun runs to its end, so transactions happen wholly or not at all.
pub(crate) struct Worker {
    path: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, which opens the connection.
    pub(crate) async fn start(path: PathBuf, open: impl FnOnce() -> Result<Connection> + Send + 'static) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (answer, opened) = futures::channel::oneshot::channel();
        let thread = std::thread::Builder::new().name("idsync-sqlite".to_owned()).spawn(move || {
            let mut connection = match open() {
                Ok(connection) => connection,
                Err(error) => {
                    let _ = answer.send(Err(error));
                    return;
                }
            };
            // Where nobody waits for it any more, no jobs will come either.
            let _ = answer.send(Ok(()));
            for job in queue {
                job(&mut connection);
            }
            // Closing folds the write-ahead log into the file; what it cannot fold now, the next opening will.
            let _ = connection.close();
        });
        let thread =
            thread.map_err(|error| Error::new(ErrorKind::Unavailable, "no thread can be started for the database").with_source(error))?;
        opened.await.map_err(|_| stopped())?.map_err(|error| in_file(&path, error))?;
        Ok(Self { path, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` and hands back what it returns.
    pub(crate) async fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = futures::channel::oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !answer.is_canceled() {
                // Whoever asked may go away while it is done.
                let _ = answer.send(work(connection));
            }
        });
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?.map_err(|error| in_file(&self.path, error))
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "the thread of the database has stopped").with_remedy("open the file again")
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
