//! A setup token that does not go.

use super::{World, fault};
use crate::RetryPolicy;
use crate::error::{Error, SetupFault};
use std::time::Duration;

const REVOKE: &str = "DELETE /api/v1/api-tokens/current";
const ME: &str = "GET /api/v1/users/me";

#[tokio::test]
async fn a_token_that_cannot_be_revoked_is_given_up_and_told() {
    let world = World::new().await;
    let provisioner = world.provisioner_with(RetryPolicy::new(4, Duration::from_secs(60)));
    let error = provisioner.revoke_setup_token().await.unwrap_err();
    let Error::Exhausted { attempts: 4, last } = &error else { panic!("{error:?}") };
    assert!(matches!(**last, Error::Setup { fault: SetupFault::TokenAlive, .. }), "{last:?}");
    assert_eq!(world.count(REVOKE), 4);
}

#[tokio::test]
async fn a_token_that_goes_a_moment_later_is_waited_for() {
    let world = World::of(|line, org, _| (line == ME && org.count(ME) > 2).then(|| fault(401, "E0000011"))).await;
    world.provisioner().revoke_setup_token().await.unwrap();
    let slept = world.timer.slept();
    assert!(slept.len() == 2 && slept[1] >= Duration::from_millis(500), "{slept:?}");
}
