//! The endpoint is away for a day of 500 events. What never arrived is named; after the sweep nothing is missing, and the
//! sums are Paddle's.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use e2e::{ADMIN_TOKEN, Kind, Setup, World};
use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{
    Config, Invoices, Sync,
    fake_paddle::{FakePaddle, Purchase, Sale},
    paddle::{ApiKey, Client},
    reconcile::{Period, Report, Standing},
};
use serde_json::Value;
use time::OffsetDateTime;

const SECRET: &str = "pdl_ntfset_made_up_for_tests";

/// Nobody listens there: it is the endpoint while it is away.
const AWAY: &str = "http://127.0.0.1:1/paddle/webhook";

struct Day {
    paddle: FakePaddle,
    client: Client,
    world: World,
}

impl Day {
    async fn begin() -> Self {
        let paddle = FakePaddle::start().await;
        paddle.set_rate_limit(None);
        paddle.add_destination(AWAY, SECRET, FakePaddle::event_types());
        let key = ApiKey::new(paddle.api_key()).expect("it is a key");
        let client = Client::builder(key)
            .base_url(&paddle.uri())
            .requests_per_minute(NonZeroU32::MAX)
            .build()
            .expect("a client");
        // Invoices come into the deals in their own time, each with a note.
        let mut rules = Config::default();
        rules.invoices = Invoices::Off;
        let setup = Setup { rules, paddle: Some(client.clone()), ..Setup::default() };
        let world = World::with(Kind::Axum, setup).await;
        Self { paddle, client, world }
    }

    fn sync(&self) -> &Sync {
        self.world.server.sync()
    }

    /// 100 sales of 3 events that matter each, 40 renewals of 2, 20 cards that fail of 5, 10 refunds of 2: 500.
    async fn five_hundred_events(&self) {
        let mut sales: Vec<Sale> = Vec::new();
        for number in 0..100 {
            let lead = self.world.kommo.add_lead(FakeLead::new(&format!("Deal {number}")));
            let purchase = Purchase::new(&format!("buyer{number}@example.com"));
            sales.push(self.paddle.buy(&purchase.custom_data("kommo_lead_id", &lead.to_string())));
            self.paddle.advance(Duration::from_secs(600));
        }
        let subscription = |sale: &Sale| sale.subscription.clone().expect("it is recurring");
        for sale in sales.iter().take(40) {
            self.paddle.renew(&subscription(sale)).expect("it runs");
        }
        for sale in sales.iter().skip(40).take(20) {
            self.paddle.fail_card(&subscription(sale)).expect("it runs");
        }
        for sale in sales.iter().skip(60).take(10) {
            self.paddle.refund(&sale.transaction, Some(10_000)).expect("it was paid");
        }
        self.paddle.settle_refunds(true);
        self.paddle.advance(Duration::from_secs(6 * 3_600));
        let attempts = self.paddle.deliver_due().await;
        assert!(attempts.iter().all(|attempt| !attempt.is_delivered()), "the endpoint is away");
        let needed = Sync::needed_events();
        let needed = |event: &Value| needed.iter().any(|name| event["event_type"] == name.as_str());
        assert_eq!(self.paddle.events().iter().filter(|event| needed(event)).count(), 500);
    }

    async fn report(&self) -> Report {
        let until = self.paddle.now() + Duration::from_secs(1);
        let period = Period::new(OffsetDateTime::UNIX_EPOCH, until).expect("a period");
        self.sync().reconcile(&self.client, period, &mut |_| {}).await.expect("a report")
    }

    /// What Paddle itself says was paid, in minor units, and for which transactions.
    fn paid(&self) -> (i128, BTreeSet<String>) {
        let completed = self.paddle.transactions();
        let completed = completed.iter().filter(|transaction| transaction["status"] == "completed");
        completed.fold((0, BTreeSet::new()), |(sum, mut ids), transaction| {
            let total = transaction["details"]["totals"]["total"].as_str().unwrap_or_default();
            ids.insert(transaction["id"].as_str().unwrap_or_default().to_owned());
            (sum + total.parse::<i128>().expect("a sum"), ids)
        })
    }
}

fn sum(report: &Report, kind: &str, standing: Option<Standing>) -> i128 {
    let of_kind = report.sums.iter().filter(|sum| sum.kind == kind && sum.currency == "USD");
    let tally = of_kind.map(|sum| match standing {
        None => sum.paddle,
        Some(standing) => sum.by_standing.get(&standing).copied().unwrap_or_default(),
    });
    tally.map(|tally| tally.minor).sum()
}

#[tokio::test]
async fn a_day_without_the_endpoint_is_made_up_for() {
    let day = Day::begin().await;
    day.sync().sweep(&day.client).await.expect("the first sweep");
    day.five_hundred_events().await;
    let (paid, ids) = day.paid();

    let before = day.report().await;
    assert!(!before.is_explained());
    let missing = before.entries.iter().filter(|entry| entry.standing == Standing::Missing);
    let missing: BTreeSet<String> = missing.map(|entry| entry.id.clone()).collect();
    assert!(missing.is_superset(&ids), "each missing payment is named");
    assert_eq!(missing.len(), ids.len() + 10, "and so is each refund");
    assert_eq!(sum(&before, "payment", Some(Standing::Missing)), paid);

    assert_eq!(day.sync().sweep(&day.client).await.expect("a sweep").taken, 500);
    day.world.settled().await;
    let after = day.report().await;
    assert!(
        after.is_explained(),
        "{:?}",
        after.entries.iter().find(|e| e.standing == Standing::Missing)
    );
    assert!(after.entries.iter().all(|entry| entry.standing == Standing::Done));
    assert_eq!(sum(&after, "payment", None), paid);
    assert_eq!(sum(&after, "payment", Some(Standing::Done)), paid);
    assert_eq!(sum(&after, "refund", Some(Standing::Done)), 10 * 10_000);
    // What is in Kommo: 100 deals won, and of each payment and refund one note.
    let leads = before.entries.len();
    let notes: usize = after
        .entries
        .iter()
        .filter_map(|entry| entry.lead)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|lead| {
            let deal = day.world.kommo.lead(lead.get()).expect("the deal is there");
            assert_eq!((&deal["status_id"], &deal["price"]), (&142.into(), &599.into()));
            day.world.kommo.note_texts(lead.get()).len()
        })
        .sum();
    assert_eq!(notes, leads);
    assert_eq!(day.sync().sweep(&day.client).await.expect("a sweep").taken, 0);
    day.world.server.stop().await;
}

#[tokio::test]
async fn the_operators_route_tells_and_repairs() {
    let day = Day::begin().await;
    let lead = day.world.kommo.add_lead(FakeLead::new("Deal"));
    let purchase = Purchase::new("jo@example.com").custom_data("kommo_lead_id", &lead.to_string());
    let sale = day.paddle.buy(&purchase);
    let path = "/admin/reconcile?from=2020-01-01&to=2099-12-31";
    let token = format!("Bearer {ADMIN_TOKEN}");
    let lines = async |method: &str, path: &str| -> Vec<Value> {
        let (status, text) = day.world.admin(method, path, Some(&token), None).await;
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    };
    let report = |lines: &[Value]| {
        let mut reports = lines.iter().filter_map(|line| line.get("report"));
        reports.next_back().cloned().expect("there is a report")
    };
    let told = report(&lines("GET", path).await);
    assert_eq!(told["entries"][0]["id"], sale.transaction.as_str());
    assert_eq!(told["entries"][0]["standing"], "missing");
    assert_eq!(day.world.kommo.note_texts(lead).len(), 0, "a GET changes nothing");

    let repaired = lines("POST", path).await;
    assert_eq!(report(&repaired)["entries"][0]["standing"], "done", "{repaired:?}");
    assert_eq!(day.world.kommo.note_texts(lead).len(), 1);

    for (path, why) in [
        ("/admin/reconcile", "`from` is missing"),
        ("/admin/reconcile?from=2026-02-01&to=2026-01-01", "not later"),
        ("/admin/backfill?since=soon", "neither a day nor a moment"),
    ] {
        let (status, text) = day.world.admin("GET", path, Some(&token), None).await;
        assert!(status == 400 && text.contains(why), "{path}: {status} {text}");
        assert_eq!(day.world.admin("GET", path, None, None).await.0, 401, "{path}");
    }
    day.world.server.stop().await;
}
