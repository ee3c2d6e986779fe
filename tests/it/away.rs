//! Kommo is away in the middle of a story: nothing is lost, nothing comes twice, and the order stays.
//!
//! The engine's clock is moved ahead by hand, which only the actix server lets a test do.

use e2e::{Kind, LEAD, Rep, Story, World};
use kommo_client::fake::Fault;
use serde_json::Value;
use time::Duration;

/// A deal that was won, and what happens to its subscription next.
struct Sold {
    world: World,
    rep: Rep,
    next: Vec<Value>,
}

async fn sold() -> Sold {
    let world = World::start(Kind::Actix).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let sale = [story.first_payment(), story.subscription("subscription.created", |_| {})];
    world.tell(&sale).await;
    assert_eq!((rep.stage(), rep.price()), (142, 599));
    rep.news();
    let next = vec![
        story.charge("second", "subscription_recurring", "325-2"),
        story.failed_charge("third"),
        story.charge("third", "subscription_recurring", "325-3"),
        story.refund(),
    ];
    Sold { world, rep, next }
}

impl Sold {
    /// Waits until the first of it has been tried in vain, for a reason that contains this.
    async fn waits(&self, why: &str) {
        self.world
            .until(why, async || {
                let story = self.world.server.sync().explain(&LEAD.to_string()).await;
                let story = story.unwrap_or_else(|error| panic!("{error:?}"));
                let mut errors = story.iter().filter_map(|chapter| chapter.last_error.as_deref());
                errors.any(|error| error.contains(why))
            })
            .await;
    }

    /// Moves the clock, and wakes the worker as a late delivery would.
    async fn later(&self, by: Duration) {
        self.world.later(by);
        assert_eq!(self.world.deliver(&self.next[0]).await, 200);
    }

    /// How many calls got this answer.
    fn answered(&self, status: u16) -> usize {
        let requests = self.world.kommo.requests();
        requests.iter().filter(|request| request.status == status).count()
    }

    /// Waits for the end, and looks whether all of it was told, once and in its order.
    async fn ends_well(mut self, name: &str) {
        self.world.settled().await;
        let failed = self.next[1]["occurred_at"].as_str().and_then(|at| at.get(..10));
        let since = failed.expect("the day on which the card failed");
        assert_eq!(
            self.rep.news(),
            [
                "INVOICE_NUMBER: 325-3",
                "PAYMENT_STATUS: partially_refunded",
                "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-2 · txn_second",
                &format!(
                    "task: Payment past due since {since}: talk to the customer · 326.62 USD · Pro · sub_seats"
                ),
                "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-3 · txn_third",
                "note: Payment recovered: 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-3 · txn_third",
                "task done: The customer has paid 326.62 USD · txn_third",
                "note: Refunded 100.00 USD of 652.15 USD, 552.15 USD remains · seats not used · adj_part · txn_first",
            ],
            "{name}"
        );
        assert_eq!((self.rep.stage(), self.rep.price()), (142, 599), "{name}");
        assert_eq!(self.rep.field("SUBSCRIPTION_STATUS"), "active", "{name}");
        let stats = self.world.server.sync().stats().await.expect("the store answers");
        assert_eq!(stats.parked, [], "{name}");
        self.world.server.stop().await;
    }
}

#[tokio::test]
async fn a_hiccup_holds_up_nothing() {
    for kind in [Kind::Axum, Kind::Actix] {
        let world = World::start(kind).await;
        let mut rep = world.rep(LEAD);
        let mut story = Story::of(LEAD);
        for path in ["/api/v4/account", "/api/v4/leads"] {
            world.kommo.fail_next(Fault::status(503).at("GET", path).times(2));
        }
        let sale =
            [story.first_payment(), story.charge("second", "subscription_recurring", "325-2")];
        world.tell(&sale).await;
        assert_eq!((rep.stage(), rep.notes().len()), (142, 2), "{kind:?}: {:?}", rep.news());
        let told = world.server.sync().explain(&LEAD.to_string()).await.expect("the store answers");
        assert!(told.iter().all(|chapter| chapter.last_error.is_none()), "{kind:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_gives_up_for_an_hour_holds_up_the_story_and_no_more() {
    for (name, fault) in [
        ("503", Fault::status(503)),
        ("a page of the gateway", Fault::html(502)),
        ("no answer at all", Fault::drop_connection()),
    ] {
        let mut sold = sold().await;
        sold.world.kommo.fail_next(fault.always());
        sold.world.send_twice(&sold.next).await;
        sold.waits("").await;
        assert_eq!(sold.rep.news(), [""; 0], "{name}");
        let stats = sold.world.server.sync().stats().await.expect("the store answers");
        assert_eq!(stats.open, 4, "{name}: all of it is kept");

        sold.world.kommo.clear_faults();
        sold.later(Duration::HOUR).await;
        sold.ends_well(name).await;
    }
}

#[tokio::test]
async fn what_kommo_wrote_without_an_answer_is_not_written_again() {
    let (leads, notes, tasks) = ("/api/v4/leads", "/api/v4/leads/notes", "/api/v4/tasks");
    for (name, fault) in [
        ("the deal", Fault::status(504).at("PATCH", leads).applied()),
        ("a note", Fault::drop_connection().at("POST", notes).applied()),
        ("half an answer to a note", Fault::truncated().at("POST", notes)),
        ("the task", Fault::html(502).at("POST", tasks).applied()),
        ("the end of the task", Fault::status(500).on("PATCH", tasks).applied()),
    ] {
        let sold = sold().await;
        sold.world.kommo.fail_next(fault);
        sold.world.send_twice(&sold.next).await;
        sold.waits("no answer from Kommo").await;
        sold.later(Duration::minutes(2)).await;
        sold.ends_well(name).await;
    }
}

#[tokio::test]
async fn what_kommo_did_not_write_is_written_once_that_is_certain() {
    let (notes, tasks) = ("/api/v4/leads/notes", "/api/v4/tasks");
    for (name, fault) in [
        ("a note", Fault::status(503).at("POST", notes)),
        ("the task", Fault::drop_connection().at("POST", tasks)),
    ] {
        let sold = sold().await;
        sold.world.kommo.fail_next(fault);
        sold.world.send_twice(&sold.next).await;
        sold.waits("no answer from Kommo").await;
        sold.later(Duration::minutes(1)).await;
        sold.waits("looked for once more").await;
        sold.later(Duration::minutes(1)).await;
        sold.ends_well(name).await;
    }
}

#[tokio::test]
async fn a_token_that_works_again_is_all_that_is_needed() {
    let mut sold = sold().await;
    sold.world.kommo.set_token_valid(false);
    sold.world.send_twice(&sold.next).await;
    sold.waits("unauthorized").await;
    let stats = sold.world.server.sync().stats().await.expect("the store answers");
    assert_eq!((stats.open, stats.parked), (4, Vec::new()), "none of it needs a person");
    assert_eq!(sold.rep.news(), [""; 0]);

    // A minute later it is tried again, in vain.
    sold.later(Duration::minutes(1)).await;
    sold.world.until("a second try", async || sold.answered(401) == 2).await;
    sold.world.kommo.set_token_valid(true);
    sold.world.until("it pauses", async || is_paused(&sold.world).await).await;
    sold.later(Duration::minutes(1)).await;
    sold.world.settled().await;
    assert_eq!(sold.answered(401), 2, "one call a minute, however much waits");
    sold.ends_well("401").await;
}

#[tokio::test]
async fn a_block_is_left_alone_and_outlives_a_restart() {
    let mut sold = sold().await;
    sold.world.kommo.block();
    sold.world.send_twice(&sold.next[..1]).await;
    sold.waits("blocked").await;
    sold.world.send_twice(&sold.next[1..]).await;
    assert!(is_paused(&sold.world).await);
    assert_eq!(sold.rep.news(), [""; 0]);

    sold.world = sold.world.restart().await;
    assert!(is_paused(&sold.world).await, "what begins anew must not knock at the door");
    assert_eq!(sold.answered(403), 1, "each call would prolong it");

    sold.world.kommo.unblock();
    sold.later(Duration::minutes(5)).await;
    sold.world.settled().await;
    assert_eq!(sold.answered(403), 1);
    sold.ends_well("403").await;
}

async fn is_paused(world: &World) -> bool {
    let stats = world.server.sync().stats().await;
    stats.unwrap_or_else(|error| panic!("{error:?}")).paused.is_some()
}
