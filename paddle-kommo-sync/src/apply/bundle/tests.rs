use std::{num::NonZeroU32, time::Duration};

use futures_util::future::{join, join_all};
use kommo_client::{
    AccessToken,
    fake::{FakeKommo, FakeLead, Fault},
};

use super::*;
use crate::{clock::SystemClock, store::MemoryStore};

fn paced(kommo: &FakeKommo, requests_per_second: u32) -> Client {
    Client::builder(&kommo.uri(), AccessToken::new(kommo.token()).unwrap())
        .answered_by(kommo)
        .requests_per_second(NonZeroU32::new(requests_per_second).unwrap())
        .build()
        .unwrap()
}

fn sender<'a>(
    bundler: &'a Bundler,
    client: &'a Client,
    store: &'a MemoryStore,
) -> impl Fn(Priority) -> Sender<'a> {
    move |priority| Sender {
        bundler,
        reading: client,
        writing: client,
        store,
        clock: &SystemClock,
        priority,
    }
}

/// Look-ups that no bundle takes stand in between, and whoever is at the door waits behind them.
#[tokio::test(start_paused = true)]
async fn whoever_is_more_urgent_does_not_wait_behind_the_turn_of_the_less_urgent() {
    let kommo = FakeKommo::in_memory();
    let client = paced(&kommo, 1);
    let (bundler, store) = (Bundler::new(NonZeroUsize::MIN), MemoryStore::new());
    let lead = LeadId::new(kommo.add_lead(FakeLead::new("x")));
    let sender = sender(&bundler, &client, &store);
    let (backfill, payment) = (sender(Priority::Low), sender(Priority::High));
    let begin = tokio::time::Instant::now();
    let look_up = async || drop(client.turn().await.unwrap());
    let look_ups = join_all((0..20).map(|_| look_up()));
    let low = backfill.call(Call::ReadLead(lead), None);
    let high = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let reply = payment.call(Call::ReadLead(lead), None).await;
        (reply, begin.elapsed())
    };
    let (_, _, (reply, took)) = tokio::join!(look_ups, low, high);
    assert!(matches!(reply, Reply::Lead(Some(_))), "{reply:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// More calls than one request takes, and the least urgent one is first at the door.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_answer_to_a_request_that_has_no_call_of_its_own() {
    let kommo = FakeKommo::in_memory();
    kommo.fail_next(Fault::hang(Duration::from_secs(5)).applied().on("GET", "/api/v4/leads"));
    let client = paced(&kommo, 20);
    let (bundler, store) = (Bundler::new(NonZeroUsize::MIN), MemoryStore::new());
    let sender = sender(&bundler, &client, &store);
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

/// What failed with others goes again as urgently as before.
#[test]
fn a_turn_is_asked_for_anew_for_whatever_is_more_urgent() {
    let item = |priority| {
        let (reply, answer) = oneshot::channel();
        (Item::new(Call::ReadLead(LeadId::new(1)), None, priority, reply), answer)
    };
    let mut queue = Queue::new(50);
    let (low, _low) = item(Priority::Low);
    assert!(!queue.push(low), "nobody waits for a turn yet");
    assert_eq!(queue.ask(), Some(Priority::Low));
    let [(same, _same), (more, _more)] = [item(Priority::Low), item(Priority::Normal)];
    assert!(!queue.push_again(same, 1));
    assert!(queue.push_again(more, 1));
}

/// It came to the door for the next request while its own call is under way, and only what is less urgent is left.
#[tokio::test(start_paused = true)]
async fn whoever_is_at_the_door_hears_its_own_answer() {
    let kommo = FakeKommo::in_memory();
    kommo.fail_next(Fault::hang(Duration::from_secs(1)).applied().on("GET", "/api/v4/leads"));
    let client = paced(&kommo, 7);
    let (bundler, store) = (Bundler::new(NonZeroUsize::MIN), MemoryStore::new());
    let sender = sender(&bundler, &client, &store);
    let (backfill, normal) = (sender(Priority::Low), sender(Priority::Normal));
    let lead = LeadId::new(kommo.add_lead(FakeLead::new("x")));
    let begin = tokio::time::Instant::now();
    let timed = async |sender: &Sender<'_>, call: Call| {
        drop(sender.call(call, None).await);
        begin.elapsed()
    };
    let look_up = async || drop(client.turn().await.unwrap());
    let look_ups = async {
        tokio::task::yield_now().await;
        join_all((0..200).map(|_| look_up())).await
    };
    let read = Call::ReadLead(lead);
    let (first, second) = (timed(&normal, read.clone()), timed(&normal, read));
    let low = timed(&backfill, Call::StartBot(SalesbotId::new(1), lead));
    let (first, second, low, _) = tokio::join!(first, second, low, look_ups);
    assert!(low > Duration::from_secs(20), "{low:?}: nothing was in its way");
    assert!(first.max(second) < Duration::from_secs(5), "{first:?} {second:?}");
}

/// How many deals each request asked for, of those that asked for several.
fn read_together(kommo: &FakeKommo) -> Vec<usize> {
    let requests = kommo.requests();
    let ids = requests.iter().map(|request| request.path.matches("filter[id]").count());
    ids.filter(|ids| *ids > 0).collect()
}

/// So many deals are too many for what stands in between, or one of them is such that nobody can read the answer.
#[tokio::test(start_paused = true)]
async fn a_read_that_is_too_large_goes_in_halves_and_the_next_ones_are_smaller() {
    for (name, fault) in [
        // The client itself asks three times.
        ("the gateway gives up", Fault::status(504).times(3)),
        ("the answer is too large", Fault::answer(200, vec![b' '; 9 << 20])),
        ("the answer cannot be read", Fault::answer(200, "{")),
    ] {
        let kommo = FakeKommo::in_memory();
        kommo.fail_next(fault.at("GET", "/api/v4/leads"));
        let client = paced(&kommo, 20);
        let (bundler, store) = (Bundler::new(NonZeroUsize::MIN), MemoryStore::new());
        let sender = sender(&bundler, &client, &store)(Priority::Normal);
        let leads: Vec<u64> = (0..250).map(|_| kommo.add_lead(FakeLead::new("x"))).collect();
        let read_all = async || {
            let before = read_together(&kommo).len();
            let calls = leads.iter().map(|lead| Call::ReadLead(LeadId::new(*lead)));
            let replies = join_all(calls.map(|call| sender.call(call, None))).await;
            let is_read = |reply: &Reply| matches!(reply, Reply::Lead(Some(_)));
            assert!(replies.iter().all(is_read), "{name}");
            let mut sizes = read_together(&kommo).split_off(before);
            sizes.dedup();
            sizes
        };
        assert_eq!(read_all().await, [250, 125], "{name}");
        // Each that goes through lets the next ones be larger again.
        assert_eq!(read_all().await, [197, 53], "{name}");
        assert_eq!(read_all().await, [250], "{name}");
    }
}
