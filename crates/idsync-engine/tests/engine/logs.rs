//! What is said in a log of many directories.

use crate::support::refusing::apply_but;
use crate::support::{gid, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Batch, BatchOutcome, DirectoryId, DirectorySink, Error, ErrorKind, Group, Result, User, UserStatus};
use idsync_engine::SyncEngine;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Refuses everything.
#[derive(Debug, Default)]
struct Closed(MemorySink);

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed")
    }
}

#[async_trait]
impl DirectorySink for Closed {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        apply_but(&self.0, batch, |_| Some(Error::new(ErrorKind::InvalidData, "planted"))).await
    }
}

#[test]
fn every_line_says_which_directory_it_is_about() {
    let provider = MemoryProvider::with_id(DirectoryId::new("memory:acme").unwrap());
    provider.put_user(User::new(uid("u1"), UserStatus::Active));
    provider.put_group(Group::new(gid("g"), "Group"));
    let engine = SyncEngine::builder(provider, MemoryStore::new(), Closed::default()).build();
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        // What another test logs first at this very moment might stay off for good; a new listener has everybody ask again who listens.
        drop(tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default()));
        block_on(async {
            engine.sync().await.unwrap();
            let plan = engine.plan().await.unwrap();
            engine.apply(&plan).await.unwrap();
        });
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the sink refused a change"), "{log}");
    for line in log.lines() {
        assert!(line.contains("directory=memory:acme") && line.contains("call="), "{line}");
    }
}
