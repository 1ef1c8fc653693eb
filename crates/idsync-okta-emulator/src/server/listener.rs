//! The listener, on a thread of its own: a test may block its own thread, or stop its own runtime's clock, and still be answered.

use super::serve::serve;
use super::socket::Socket;
use crate::org::Shared;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts to serve what `make` makes; the answer comes when it is made.
pub(crate) fn run(
    listener: TcpListener,
    make: impl FnOnce() -> Arc<Shared> + Send + 'static,
) -> io::Result<(Running, oneshot::Receiver<Arc<Shared>>)> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let (made, shared) = oneshot::channel();
    let thread = std::thread::Builder::new().name("okta-emulator".to_owned()).spawn(move || {
        let shared = make();
        if made.send(Arc::clone(&shared)).is_err() {
            return;
        }
        runtime.block_on(async move {
            tokio::select! {
                _ = accept(listener, shared) => {}
                _ = stopped => {}
            }
        });
        // Dropping the runtime drops all connections.
    })?;
    Ok((Running { stop: Some(stop), thread: Some(thread) }, shared))
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has no work that it would wait for; when it has panicked there is nothing left to stop.
            _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The peer was gone before it was accepted, or there are too many open files for the moment.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        // Small answers must not wait for more; when it cannot be set they are merely slower.
        _ = stream.set_nodelay(true);
        let (socket, abort) = Socket::new(stream);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(Arc::clone(&shared), abort.clone(), request));
            // An idle connection stays open, so that tests do not depend on how long they take. One that fails is the client's business,
            // or a fault that was asked for.
            _ = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
