use std::{num::NonZeroU32, time::Duration};

use futures_util::future::{join, join_all};
use kommo_client::{
    AccessToken,
    fake::{FakeKommo, FakeLead, Fault},
};

use super::*;
use crate::{clock::SystemClock, store::MemoryStore};

/// More calls than one request takes, and the least urgent one is first at the door.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_answer_to_a_request_that_has_no_call_of_its_own() {
    let kommo = FakeKommo::in_memory();
    kommo.fail_next(Fault::hang(Duration::from_secs(5)).applied().on("GET", "/api/v4/leads"));
    let token = AccessToken::new(kommo.token()).unwrap();
    let client = Client::builder(&kommo.uri(), token)
        .answered_by(&kommo)
        .requests_per_second(NonZeroU32::new(20).unwrap())
        .build()
        .unwrap();
    let (bundler, store) = (Bundler::new(NonZeroUsize::MIN), MemoryStore::new());
    let sender = |priority| Sender {
        bundler: &bundler,
        reading: &client,
        writing: &client,
        store: &store,
        clock: &SystemClock,
        priority,
    };
    let (backfill, normal) = (sender(Priority::Low), sender(Priority::Normal));
    let ids: Vec<u64> = (0..=250).map(|_| kommo.add_lead(FakeLead::new("x"))).collect();
    let (first, others) = ids.split_first().unwrap();
    let read = |id: &u64| Call::ReadLead(LeadId::new(*id));
    let begin = tokio::time::Instant::now();
    let first = async {
        let reply = backfill.call(read(first), None).await;
        (reply, begin.elapsed())
    };
    let others = join_all(others.iter().map(|id| normal.call(read(id), None)));
    let ((reply, took), others) = join(first, others).await;
    assert!(matches!(reply, Reply::Lead(Some(_))), "{reply:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The request of the others was the one that hung.
    assert!(begin.elapsed() >= Duration::from_secs(5));
    assert!(others.iter().all(|reply| matches!(reply, Reply::Lead(_) | Reply::Refused(_))));
}
