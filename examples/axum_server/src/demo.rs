//! `demo`: the whole way of a payment on one machine, with a fake Kommo at the end of it.

use std::{
    io::Write,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use kommo_client::{
    AccessToken, Client,
    fake::{FakeKommo, FakeLead},
};
use paddle_kommo_sync::{Clock as _, SqliteStore, Sync, SystemClock};
use paddle_webhook::{SecretKey, Verifier, sign};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{net::TcpListener, sync::watch};

use crate::{Failure, app::App, serve};

const LEAD: u64 = 20_024_930;
const SECRET: &str = "pdl_ntfset_demo_this_is_not_a_secret";

/// What a fresh machine may take, cold caches and all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays it through and tells what happened.
///
/// # Errors
///
/// When the deal is not won in the end.
pub async fn demo(out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let kommo = FakeKommo::start().await;
    kommo.add_paddle_fields();
    kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD));
    let folder = Folder::new()?;
    let client = Client::builder(&kommo.uri(), AccessToken::new(kommo.token())?).build()?;
    let store = SqliteStore::open(folder.0.join("demo.db"))?;
    let engine = Sync::builder(client.clone(), store);
    let app = App::new(Verifier::new(SecretKey::new(SECRET)?), client, engine).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/paddle/webhook", listener.local_addr()?);
    let (stop, stopped) = watch::channel(false);
    let service = tokio::spawn(serve::run(listener, app.clone(), stopped));

    writeln!(out, "A fake Kommo and the service run on this machine; nothing leaves it.\n")?;
    show(out, "deal before", &kommo)?;
    let now = SystemClock::default().now();
    let body = payment(now)?.to_string();
    let signature = sign(&SecretKey::new(SECRET)?, body.as_bytes(), now).to_string();
    writeln!(
        out,
        "\ndelivery     POST /paddle/webhook, transaction.completed, {} bytes",
        body.len()
    )?;
    let shown: String = signature.chars().take(27).collect();
    writeln!(out, "             Paddle-Signature: {shown}…")?;

    let started = Instant::now();
    let post = reqwest::Client::builder().no_proxy().build()?.post(&url);
    let answer = post.header("Paddle-Signature", signature).body(body).send().await?;
    let answered = started.elapsed();
    writeln!(
        out,
        "answer       {} after {} ms: the event is on disk",
        answer.status(),
        answered.as_millis()
    )?;
    let done = async {
        while app.sync().stats().await?.open > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok::<(), Failure>(())
    };
    tokio::time::timeout(PATIENCE, done).await??;
    let closed = started.elapsed();

    writeln!(out)?;
    show(out, "deal after", &kommo)?;
    for note in kommo.note_texts(LEAD) {
        writeln!(out, "  note       {note}")?;
    }
    let calls = kommo.requests().len();
    writeln!(
        out,
        "\nThe deal closed {} ms after the delivery, with {calls} calls to Kommo.",
        closed.as_millis()
    )?;
    // The service may have ended by itself; its result tells.
    let _ = stop.send(true);
    service.await??;
    let status = kommo.lead(LEAD).and_then(|lead| lead["status_id"].as_u64());
    if status == Some(142) { Ok(()) } else { Err("the deal is not won".into()) }
}

fn show(out: &mut (dyn Write + Send), title: &str, kommo: &FakeKommo) -> Result<(), Failure> {
    let lead = kommo.lead(LEAD).ok_or("the fake Kommo has lost the deal")?;
    let stage = match lead["status_id"].as_u64() {
        Some(142) => "Won",
        Some(143) => "Lost",
        _ => "Negotiation",
    };
    let name = lead["name"].as_str().unwrap_or_default();
    writeln!(out, "{title:<12} {name} · {stage} · price {}", lead["price"])?;
    for field in lead["custom_fields_values"].as_array().into_iter().flatten() {
        let value = match &field["values"][0]["value"] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        writeln!(out, "  {:<20} {value}", field["field_code"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

/// A completed first checkout, as Paddle describes it, with the fields that matter here.
fn payment(now: OffsetDateTime) -> Result<Value, Failure> {
    let now = now.format(&Rfc3339)?;
    let totals = json!({
        "subtotal": "59900", "discount": "0", "tax": "5315", "total": "65215", "credit": "0", "balance": "0",
        "grand_total": "65215", "fee": "3311", "earnings": "56589", "currency_code": "USD",
    });
    Ok(json!({
        "event_id": "evt_01demo00000000000000000001",
        "event_type": "transaction.completed",
        "occurred_at": now,
        "notification_id": "ntf_01demo00000000000000000001",
        "data": {
            "id": "txn_01demo00000000000000000001",
            "status": "completed",
            "origin": "web",
            "customer_id": "ctm_01demo00000000000000000001",
            "subscription_id": "sub_01demo00000000000000000001",
            "invoice_number": "325-10566",
            "currency_code": "USD",
            "collection_mode": "automatic",
            "billed_at": now,
            "custom_data": {"kommo_lead_id": LEAD.to_string()},
            "items": [{
                "price": {"id": "pri_01demo", "product_id": "pro_01demo", "name": "Pro, yearly"},
                "quantity": 10,
            }],
            "details": {"totals": totals.clone(), "payout_totals": totals, "line_items": []},
            "payments": [],
        },
    }))
}

/// A folder of our own that goes away with the demo.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("paddle-kommo-demo-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left-overs of a demo are no reason to fail it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
