use std::{num::NonZeroU32, sync::Arc, time::Duration};

use kommo_client::{
    Access, Client, ErrorKind, MemoryTokenStore, NewUser, OAuthApp, Rights, TokenStore,
    fake::FakeKommo,
};

use crate::http::unlimited;

const REDIRECT: &str = "https://app.example/kommo";

fn connected(kommo: &FakeKommo, secret: &str) -> (Client, Arc<MemoryTokenStore>) {
    let store = Arc::new(MemoryTokenStore::new(None));
    let app = OAuthApp::new("app-1", secret, REDIRECT);
    let held = Arc::clone(&store);
    (Client::oauth(&kommo.uri(), app, held).build().expect("a client"), store)
}

#[tokio::test]
async fn a_grant_is_exchanged_renewed_and_taken_back() {
    let kommo = unlimited().await;
    kommo.set_app("app-1", "secret-1", REDIRECT);
    kommo.set_time(Some(1_795_550_400));
    let (client, store) = connected(&kommo, "secret-1");
    let code = kommo.grant();
    client.authorize(&code).await.expect("a grant");
    client.account().get().await.expect("the token works");
    let first = store.load().await.expect("a store").expect("a pair");

    // A day later Kommo takes the token no more: one renewal, and the call goes on.
    kommo.set_time(Some(1_795_550_400 + 86_400));
    client.account().get().await.expect("renewed");
    let second = store.load().await.expect("a store").expect("a pair");
    assert!(!first.is_same(&second), "a new pair is kept");
    let renewals =
        kommo.requests().iter().filter(|request| request.path.starts_with("/oauth2")).count();
    assert_eq!(renewals, 2, "the exchange, and one renewal");

    let error = client.authorize(&code).await.expect_err("a code is good for once");
    assert_eq!(error.kind(), &ErrorKind::Unauthorized);
    kommo.revoke_grants();
    let error = client.account().get().await.expect_err("taken back");
    assert_eq!(error.kind(), &ErrorKind::Unauthorized);
    client.authorize(&kommo.grant()).await.expect("a new grant");
    client.account().get().await.expect("all is well again");
}

/// One request a second: a renewal would wait for the turn that waits for it.
#[tokio::test(start_paused = true)]
async fn a_held_turn_waits_for_no_renewal() {
    let kommo = FakeKommo::in_memory();
    kommo.set_app("app-1", "secret-1", REDIRECT);
    let app = OAuthApp::new("app-1", "secret-1", REDIRECT);
    let client = Client::oauth(&kommo.uri(), app, Arc::new(MemoryTokenStore::new(None)));
    let client = client.answered_by(&kommo).requests_per_second(NonZeroU32::MIN).build();
    let client = client.expect("a client");
    client.authorize(&kommo.grant()).await.expect("a grant");
    let turn = client.turn().await.expect("a turn");
    // The token has lived for three quarters of its day by now.
    tokio::time::advance(Duration::from_secs(20 * 3600)).await;
    let sent = client.in_turn(turn);
    let sent = tokio::time::timeout(Duration::from_secs(60), sent.account().get()).await;
    sent.expect("it does not wait").expect("the token works still");
    let asked = |kommo: &FakeKommo| {
        kommo.requests().iter().filter(|request| request.path.starts_with("/oauth2")).count()
    };
    assert_eq!(asked(&kommo), 1);
    drop(client.turn().await.expect("a turn"));
    assert_eq!(asked(&kommo), 2, "the next turn is waited for with a new one");
}

#[tokio::test]
async fn late_codes_and_foreign_integrations_are_refused() {
    let kommo = unlimited().await;
    kommo.set_app("app-1", "secret-1", REDIRECT);
    kommo.set_time(Some(1_795_550_400));
    let late = kommo.grant();
    kommo.set_time(Some(1_795_550_400 + 20 * 60));
    let (client, _) = connected(&kommo, "secret-1");
    let error = client.authorize(&late).await.expect_err("too late");
    assert_eq!(error.detail(), Some("Authorization code has expired"));
    let (client, _) = connected(&kommo, "another");
    let error = client.authorize(&kommo.grant()).await.expect_err("another integration");
    assert_eq!(error.kind(), &ErrorKind::Unauthorized);
}

#[tokio::test]
async fn what_is_recorded_shows_no_secret_when_it_is_printed() {
    let kommo = unlimited().await;
    kommo.set_app("app-1", "canary-secret", REDIRECT);
    let (client, _) = connected(&kommo, "canary-secret");
    let code = kommo.grant();
    client.authorize(&code).await.expect("a grant");
    let user = NewUser::new("Ann", "ann@b.example", Rights::same(&Access::All));
    client.users().create(&[user.password("Canary1x")]).await.expect("made");
    let form = format!("client_secret=canary-secret&code={code}");
    crate::http::CLIENT
        .post(format!("{}/oauth2/access_token", kommo.uri()))
        .body(form)
        .send()
        .await
        .expect("a refusal");
    let printed = format!("{:?} {:?} {kommo:?}", kommo.requests(), kommo.ledger());
    assert!(printed.contains("ann@b.example") && printed.contains("/oauth2/access_token"));
    for secret in ["canary-secret", "Canary1x", code.as_str(), "fake-access", "fake-refresh"] {
        assert!(!printed.contains(secret), "{secret}");
    }
    assert_eq!(kommo.requests()[0].body["client_secret"], "canary-secret", "a test may look");
}
