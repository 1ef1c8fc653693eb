//! Requests that change something.

use crate::client::Inner;
use crate::error::Error;
use crate::transport::{Attempts, Method, Outgoing, Route, Verdict, judge};
use crate::wire;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// Why a request that changes something was not answered with success.
#[derive(Debug)]
pub(super) enum WriteFault {
    /// It was refused: nothing was changed.
    Refused(Box<Error>),
    /// It may have been done or not; whoever wants to know looks.
    Unknown(Box<Error>),
}

impl WriteFault {
    fn refused(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Error> for WriteFault {
    /// What keeps a request from being sent.
    fn from(error: Error) -> Self {
        Self::refused(error)
    }
}

impl Inner {
    /// Sends a request that changes something, once; again only after an answer that says that nothing was done.
    pub(super) async fn write(self: &Arc<Self>, route: Route, url: &Url, body: Option<&Value>) -> Result<Value, WriteFault> {
        let mut attempts = Attempts::new(self.retry);
        loop {
            let token = self.token(route).await.map_err(WriteFault::refused)?;
            let mut permit = self.admit(route).await.map_err(WriteFault::refused)?;
            let mut headers = self.request_headers(route, url, token.as_deref(), &attempts).map_err(WriteFault::refused)?;
            match body {
                Some(_) => headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json")),
                // A request that has no body must say so, or some servers refuse it (411).
                None if route.method() == Method::Post => headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0")),
                None => None,
            };
            let outgoing = Outgoing { route, url: url.clone(), headers, body: body.map(Value::to_string) };
            let sent = self.send(&mut permit, outgoing, &mut attempts).await;
            drop(permit);
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) => return Err(WriteFault::Unknown(error.into())),
            };
            match judge(route, self.client_id(), &answer) {
                Verdict::Accept if answer.body.is_empty() => return Ok(Value::Null),
                Verdict::Accept => {
                    // What was made is looked at again anyway.
                    return Ok(wire::parse(&answer.body).unwrap_or_default());
                }
                Verdict::Again { error, .. } => return Err(WriteFault::Unknown(error.into())),
                Verdict::Nonce(_) if attempts.made < NONCES => self.keep_nonce(route, &answer.headers),
                Verdict::Nonce(error) | Verdict::Final(error) | Verdict::Prove(error) | Verdict::Renew(error) => {
                    return Err(WriteFault::refused(error));
                }
                limited @ (Verdict::Ease(_) | Verdict::Wait { .. }) => {
                    self.slow_down(route, limited, &mut attempts).await.map_err(WriteFault::refused)?;
                }
            }
        }
    }
}

/// A server that keeps asking for new nonces is not obeyed for ever.
const NONCES: u32 = 3;
