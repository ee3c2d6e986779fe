//! `cargo bench -p kommo-client`: what reading a page of 250 leads costs, next to `serde_json::Value` of the same text.
//!
//! Both begin with the text and end with all its leads in memory. At the end their ratio is printed, from runs in turn,
//! because on a shared machine only that means anything.
//!
//! What 10,000 leads cost in requests is not measured but counted, by the test
//! `batches::ten_thousand_leads_are_read_in_40_requests_and_changed_in_200`: 40 to read them by their ids, 200 to update
//! them 50 at a time, which at seven a second are 34 seconds, whatever the machine. That a stream over 100,000 leads holds
//! no more than a page or two is a test too: `memory::a_stream_of_100_000_leads_stays_flat`.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench that cannot go on has nothing to say"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use divan::{Bencher, counter::BytesCount};
use kommo_client::Lead;
use serde::Deserialize;
use serde_json::{Value, json};

const LEADS: u64 = 250;

/// The envelope of a list, as every page of leads has it.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_embedded")]
    embedded: Embedded,
}

#[derive(Deserialize)]
struct Embedded {
    leads: Vec<Lead>,
}

fn main() {
    divan::main();
    let text = page();
    let (mut typed_took, mut value_took) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..50 {
        typed_took += took(|| typed(&text).len());
        value_took += took(|| value(&text).to_owned());
    }
    let percent = typed_took.as_nanos() * 100 / value_took.as_nanos().max(1);
    println!(
        "typed leads take {percent} % of the time of serde_json::Value, {} KB",
        text.len() >> 10
    );
}

fn took<T>(work: impl Fn() -> T) -> Duration {
    let started = Instant::now();
    black_box(work());
    started.elapsed()
}

#[divan::bench]
fn typed_leads(bencher: Bencher<'_, '_>) {
    let text = page();
    bencher.counter(BytesCount::of_str(&text)).bench(|| typed(black_box(&text)));
}

#[divan::bench]
fn plain_value(bencher: Bencher<'_, '_>) {
    let text = page();
    bencher.counter(BytesCount::of_str(&text)).bench(|| value(black_box(&text)));
}

fn typed(text: &str) -> Vec<Lead> {
    let leads = serde_json::from_str::<Page>(text).unwrap().embedded.leads;
    assert_eq!(leads.len() as u64, LEADS);
    leads
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Leads as an account with the billing fields has them: eight custom fields, a tag, a contact and a company each.
fn page() -> String {
    let leads: Vec<Value> = (1..=LEADS).map(lead).collect();
    json!({
        "_page": 1,
        "_links": {"self": {"href": "https://acme.kommo.com/api/v4/leads?page=1&limit=250"},
            "next": {"href": "https://acme.kommo.com/api/v4/leads?page=2&limit=250"}},
        "_embedded": {"leads": leads},
    })
    .to_string()
}

fn lead(id: u64) -> Value {
    let fields: Vec<Value> = (0..8)
        .map(|field| {
            json!({"field_id": 1_000 + field, "field_name": format!("Field {field}"),
                "field_code": format!("FIELD_{field}"), "field_type": "text",
                "values": [{"value": format!("value {field} of lead {id}")}]})
        })
        .collect();
    json!({
        "id": id, "name": format!("Deal {id}"), "price": id * 10, "responsible_user_id": 9, "group_id": 0,
        "status_id": 51, "pipeline_id": 5, "loss_reason_id": null, "created_by": 9, "updated_by": 0,
        "created_at": 1_795_550_400, "updated_at": 1_795_550_400, "closed_at": null, "closest_task_at": null,
        "is_deleted": false, "custom_fields_values": fields, "score": null, "account_id": 500, "labor_cost": null,
        "_links": {"self": {"href": format!("https://acme.kommo.com/api/v4/leads/{id}")}},
        "_embedded": {"tags": [{"id": 1, "name": "renewal", "color": null}],
            "contacts": [{"id": id + 1, "is_main": true}], "companies": [{"id": id + 2}]},
    })
}
