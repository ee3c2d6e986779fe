//! The table of payments, every cell of it: origin × total × deal × subscription.

use kommo_client::{RawMethod, fake::FakeLead};
use paddle_kommo_sync::{Outcome, ParkReason, Reason};
use serde_json::{Value, json};

use crate::support::{
    LOST, NEGOTIATION, PIPELINE, WON, World, client,
    events::{event, subscription, time, transaction},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deal {
    Open,
    WonByThis,
    WonOtherwise,
    Lost,
    Gone,
}

const DEALS: [Deal; 5] = [Deal::Open, Deal::WonByThis, Deal::WonOtherwise, Deal::Lost, Deal::Gone];

const TOTALS: [&str; 3] = ["65215", "0", "-100"];

const SUBSCRIPTIONS: [&str; 6] = ["none", "active", "trialing", "past_due", "paused", "canceled"];

/// What a row ends in.
#[derive(Debug, PartialEq, Eq)]
enum Want {
    Ignored(Reason),
    Parked(ParkReason),
    /// Won, with its price.
    Won(Vec<Reason>),
    /// A note, and stage and price as they were.
    Told(Vec<Reason>),
}

fn want(origin: &str, total: &str, deal: Deal, subscription: &str) -> Want {
    use Reason as R;
    let is_first = matches!(origin, "web" | "api");
    let recovers = subscription == "past_due";
    let with = |reason: Reason| {
        let mut reasons = vec![reason];
        reasons.extend(recovers.then_some(R::PaymentRecovered));
        reasons
    };
    // What sells nothing is told only when it ends a past-due spell.
    let nothing = |reason| match (recovers, deal) {
        (false, _) => Want::Ignored(reason),
        (true, Deal::Gone) => Want::Parked(ParkReason::DealGone),
        (true, _) => Want::Told(with(reason)),
    };
    if origin == "subscription_payment_method_change" {
        return nothing(R::CardChange);
    }
    if total != "65215" {
        return nothing(R::ZeroTotal);
    }
    match (deal, origin) {
        (Deal::Gone, _) => Want::Parked(ParkReason::DealGone),
        (Deal::Open, _) if is_first => Want::Won(with(R::FirstPayment)),
        (Deal::WonByThis, _) if is_first => nothing(R::AlreadyWonByThis),
        (Deal::WonOtherwise, _) if is_first => Want::Told(with(R::AnotherPayment)),
        (Deal::Lost, _) if is_first => Want::Parked(ParkReason::DealLost),
        (_, "subscription_recurring") => Want::Told(with(R::RenewalKeepsStage)),
        (_, "subscription_update") => Want::Told(with(R::PlanChanged)),
        (_, "subscription_charge") => Want::Told(with(R::OneTimeCharge)),
        _ => Want::Told(with(R::UnknownOrigin)),
    }
}

/// One deal with everything that belongs to it, told apart from all others by its number.
struct Cell {
    lead: u64,
    status: &'static str,
}

impl Cell {
    /// The same data, of this deal.
    fn own(&self, mut data: Value) -> Value {
        for key in ["id", "subscription_id", "customer_id"] {
            if let Some(id) = data[key].as_str() {
                data[key] = json!(format!("{id}_{}", self.lead));
            }
        }
        data["custom_data"] = json!({"kommo_lead_id": self.lead});
        data
    }

    async fn prepare(&self, world: &World, deal: Deal) {
        world.kommo.add_lead(FakeLead::new("Cell").id(self.lead).stage(PIPELINE, NEGOTIATION));
        if self.status != "none" {
            // It begins well; that it is past due is news then.
            let begun = if self.status == "trialing" { "trialing" } else { "active" };
            let data = self.own(subscription(begun));
            world.done(&event("subscription.created", -20, &data)).await;
        }
        if matches!(self.status, "past_due" | "paused" | "canceled") {
            let mut data = self.own(subscription(self.status));
            data["updated_at"] = json!(time(-10));
            world.done(&event(&format!("subscription.{}", self.status), -10, &data)).await;
        }
        let id = self.lead;
        match deal {
            Deal::Open => {}
            Deal::WonOtherwise => world.kommo.move_lead(id, PIPELINE, WON),
            Deal::Lost => world.kommo.move_lead(id, PIPELINE, LOST),
            Deal::WonByThis => {
                let mine = json!([{"id": id, "custom_fields_values":
                    [{"field_code": "PADDLE_TXN_ID", "values": [{"value": format!("txn_first_{id}")}]}]}]);
                let patch = client(&world.kommo).raw(RawMethod::Patch, "leads").json(&mine);
                patch.send().await.unwrap();
                world.kommo.move_lead(id, PIPELINE, WON);
            }
            Deal::Gone => world.kommo.remove_lead(id),
        }
    }

    fn shown(&self, world: &World) -> Option<(Value, Value)> {
        let lead = world.kommo.lead(self.lead)?;
        Some((lead["status_id"].clone(), lead["price"].clone()))
    }
}

#[tokio::test]
async fn every_cell_of_the_table() {
    let origins = [
        "web",
        "api",
        "subscription_recurring",
        "subscription_update",
        "subscription_charge",
        "subscription_payment_method_change",
        "brand_new",
    ];
    let mut lead = 1_000;
    for (deal, status) in
        DEALS.into_iter().flat_map(|deal| SUBSCRIPTIONS.map(|status| (deal, status)))
    {
        let world = World::new().await;
        for (origin, total) in
            origins.into_iter().flat_map(|origin| TOTALS.map(|total| (origin, total)))
        {
            lead += 1;
            let cell = Cell { lead, status };
            let name = format!("{origin} × {total} × {deal:?} × {status}");
            cell.prepare(&world, deal).await;
            let (before, was) = (world.writes(), cell.shown(&world));
            let mut data = cell.own(transaction());
            data["origin"] = json!(origin);
            data["details"]["totals"]["total"] = json!(total);
            if status == "none" {
                data["subscription_id"] = Value::Null;
            }
            let outcome = world.handle(&event("transaction.completed", 0, &data)).await;
            let now = cell.shown(&world);
            match (want(origin, total, deal, status), outcome) {
                (Want::Ignored(want), Outcome::Ignored { reason }) => {
                    assert_eq!((reason, world.writes()), (want, before), "{name}");
                }
                (Want::Parked(want), Outcome::Parked(parked)) => {
                    assert_eq!((parked.reason, world.writes()), (want, before), "{name}");
                }
                (Want::Won(want), Outcome::Done(done)) => {
                    assert_eq!(done.reasons, want, "{name}");
                    assert_eq!(now, Some((json!(WON), json!(599))), "{name}");
                }
                (Want::Told(want), Outcome::Done(done)) => {
                    assert_eq!((done.reasons, now), (want, was), "{name}");
                    assert!(world.writes() > before, "{name}");
                }
                (want, outcome) => panic!("{name}: {outcome}, not {want:?}"),
            }
            // A past-due spell ends with its task, whatever the payment was.
            if status == "past_due"
                && matches!(deal, Deal::Open | Deal::WonByThis | Deal::WonOtherwise)
            {
                assert_eq!(world.kommo.tasks(lead)[0]["is_completed"], true, "{name}");
            }
        }
    }
    assert_eq!(lead, 1_630, "5 × 6 × 7 × 3 cells");
}

/// The stage that the configuration calls won counts like 142, and every other pipeline has its own.
#[tokio::test]
async fn won_is_what_the_pipeline_says() {
    let world = World::new().await;
    let other = world.kommo.add_pipeline("Other", &["New", "Paid"]);
    let stage = world.kommo.stage_ids(other)[0];
    world.kommo.add_lead(FakeLead::new("Other").id(7).stage(other, stage));
    let mut data = transaction();
    data["custom_data"] = json!({"kommo_lead_id": 7});
    world.done(&event("transaction.completed", 0, &data)).await;
    let lead = world.kommo.lead(7).unwrap();
    assert_eq!((&lead["status_id"], &lead["pipeline_id"]), (&json!(WON), &json!(other)));
    assert_eq!(world.stage(), NEGOTIATION);
}
