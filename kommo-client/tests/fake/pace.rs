//! The pace, as Kommo's side sees it.

use std::{sync::Arc, time::Duration};

use kommo_client::{
    Client, LeadId, MemoryTokenStore, OAuthApp, Priority,
    fake::{FakeKommo, FakeLead},
};
use tokio::task::JoinSet;

/// The most requests of the record within any one second.
fn most_in_a_second(kommo: &FakeKommo) -> usize {
    let came: Vec<_> = kommo.requests().iter().map(|request| request.received).collect();
    let within = |start: &std::time::Instant| {
        let since = |at: &&std::time::Instant| at.checked_duration_since(*start);
        came.iter().filter(|at| since(at).is_some_and(|past| past < Duration::from_secs(1))).count()
    };
    came.iter().map(within).max().unwrap_or_default()
}

#[tokio::test]
async fn many_clones_and_renewals_share_seven_requests_a_second() {
    let kommo = FakeKommo::start().await;
    kommo.set_app("app-1", "secret-1", "https://app.example/kommo");
    kommo.set_time(Some(1_795_550_400));
    let lead = LeadId::new(kommo.add_lead(FakeLead::new("Acme")));
    let app = OAuthApp::new("app-1", "secret-1", "https://app.example/kommo");
    let client = Client::oauth(&kommo.uri(), app, Arc::new(MemoryTokenStore::new(None)));
    let client = client.build().expect("a client");
    client.authorize(&kommo.grant()).await.expect("a grant");
    // The token ends just now: all of them are refused once, and one renews it for all.
    kommo.set_time(Some(1_795_550_400 + 86_400));
    let mut calls = JoinSet::new();
    for priority in [Priority::Low, Priority::Normal, Priority::High].into_iter().cycle().take(12) {
        let leads = client.with_priority(priority).leads();
        calls.spawn(async move { leads.get(lead).await });
    }
    while let Some(read) = calls.join_next().await {
        assert!(read.expect("no panic").expect("an answer").is_some());
    }
    let requests = kommo.requests();
    let renewals = requests.iter().filter(|request| request.path.starts_with("/oauth2"));
    assert_eq!(renewals.count(), 2, "the exchange, and one renewal for all");
    assert_eq!(kommo.rate_limited(), 0);
    assert!(most_in_a_second(&kommo) <= 7, "{}", most_in_a_second(&kommo));
}
