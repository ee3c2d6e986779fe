//! A fake Paddle to try things on with curl: `cargo run -p paddle-kommo-sync --features fake --example fake_paddle`.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `FAKE_PADDLE_PORT` | where its API listens, on 127.0.0.1 | 9191 |
//! | `FAKE_PADDLE_CONTROL_PORT` | where it is told what happens, on 127.0.0.1 | 9192 |
//! | `FAKE_PADDLE_DESTINATION` | where it delivers to | `http://127.0.0.1:8080/paddle/webhook` |
//! | `FAKE_PADDLE_SECRET` | what it signs with | `pdl_ntfset_fake_made_up` |
//! | `FAKE_PADDLE_ENVIRONMENT` | `live` or `sandbox` | `live` |
//! | `FAKE_PADDLE_BEHIND` | how many seconds its clock is behind at first: for what happened before now | 0 |
//!
//! | control request | what happens |
//! |---|---|
//! | `POST /_/buy?email=…&quantity=…&price=…&kommo_lead_id=…` | somebody buys; every other parameter goes to `custom_data` |
//! | `POST /_/pay?transaction=…&email=…` | somebody pays a transaction that was made through the API |
//! | `POST /_/renew?subscription=…`, `/_/fail_card?…`, `/_/recover?…`, `/_/cancel?…` | what the names say |
//! | `POST /_/refund?transaction=…&amount=…` | a refund of so many minor units, or of all, approved at once |
//! | `POST /_/deliver` | what is due is sent |
//! | `POST /_/deliver?all=1` | and everything that follows, without waiting: the clock is moved |
//! | `POST /_/advance?seconds=…` | the clock is moved |
//! | `GET /_/log` | every attempt to deliver |
//! | `GET /_/events` | every event |
//! | `GET /_/sums` | what was paid, by currency, in minor units |
//!
//! Ctrl-C ends it, and everything in it.

use std::{
    collections::BTreeMap, env, error::Error, io::Write as _, net::TcpListener, time::Duration,
};

use paddle_kommo_sync::fake_paddle::{FakePaddle, Purchase, Sale};
use paddle_webhook::{Environment, SubscriptionId, TransactionId};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let setting = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let port: u16 = setting("FAKE_PADDLE_PORT", "9191").parse()?;
    let control: u16 = setting("FAKE_PADDLE_CONTROL_PORT", "9192").parse()?;
    let destination = setting("FAKE_PADDLE_DESTINATION", "http://127.0.0.1:8080/paddle/webhook");
    let secret = setting("FAKE_PADDLE_SECRET", "pdl_ntfset_fake_made_up");
    let environment = match setting("FAKE_PADDLE_ENVIRONMENT", "live").as_str() {
        "live" => Environment::Live,
        "sandbox" => Environment::Sandbox,
        _ => return Err("FAKE_PADDLE_ENVIRONMENT is live or sandbox".into()),
    };
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let fake = FakePaddle::start_on(listener, environment).await;
    let behind: u64 = setting("FAKE_PADDLE_BEHIND", "0").parse()?;
    if behind > 0 {
        fake.set_behind(Duration::from_secs(behind));
    }
    fake.add_destination(&destination, &secret, FakePaddle::event_types());
    let control = tokio::net::TcpListener::bind(("127.0.0.1", control)).await?;
    let at = control.local_addr()?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "PADDLE_API_URL={}", fake.uri())?;
    writeln!(out, "PADDLE_API_KEY={}", fake.api_key())?;
    writeln!(out, "\nSomebody buys:   curl -X POST 'http://{at}/_/buy?kommo_lead_id=20024930'")?;
    writeln!(out, "It is delivered: curl -X POST http://{at}/_/deliver")?;
    writeln!(out, "What came of it: curl http://{at}/_/log")?;
    writeln!(out, "Ctrl-C ends.")?;
    drop(out);
    loop {
        let (stream, _) = control.accept().await?;
        let fake = fake.clone();
        tokio::spawn(async move {
            // Whoever hangs up does not want to know.
            let _ = serve(stream, &fake).await;
        });
    }
}

/// One request, one answer: enough for curl.
async fn serve(stream: TcpStream, fake: &FakePaddle) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream.take(64 << 10));
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    let mut length = 0_u64;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let header = header.trim().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if header.is_empty() {
            break;
        }
    }
    tokio::io::copy(&mut (&mut stream).take(length), &mut tokio::io::sink()).await?;
    let (status, body) = match control(fake, &request).await {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", json!({"error": "no such thing; see the example's first lines"})),
    };
    let body = format!("{body:#}\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let stream = stream.get_mut().get_mut();
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

async fn control(fake: &FakePaddle, request: &str) -> Option<Value> {
    let mut words = request.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parameters: BTreeMap<String, String> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut take = |name: &str| parameters.remove(name);
    let subscription = take("subscription").map(|id| SubscriptionId::from(id.as_str()));
    let transaction = take("transaction").map(|id| TransactionId::from(id.as_str()));
    Some(match (method, path) {
        ("POST", "/_/buy") => {
            let email = take("email").unwrap_or_else(|| "jo@example.com".to_owned());
            let mut purchase = Purchase::new(&email);
            if let Some(quantity) = take("quantity") {
                purchase =
                    purchase.quantity(quantity.parse().ok().filter(|n| (1..=100).contains(n))?);
            }
            if let Some(price) = take("price") {
                fake.price(&price)?;
                purchase = purchase.price(&price);
            }
            for (name, value) in &parameters {
                purchase = purchase.custom_data(name, value);
            }
            sale(&fake.buy(&purchase))
        }
        ("POST", "/_/pay") => {
            let email = take("email").unwrap_or_else(|| "jo@example.com".to_owned());
            sale(&fake.pay(&transaction?, &email)?)
        }
        ("POST", "/_/renew") => json!({"transaction": fake.renew(&subscription?)?}),
        ("POST", "/_/fail_card") => json!({"transaction": fake.fail_card(&subscription?)?}),
        ("POST", "/_/recover") => json!({"recovered": fake.recover(&subscription?)}),
        ("POST", "/_/cancel") => json!({"canceled": fake.cancel_subscription(&subscription?)}),
        ("POST", "/_/refund") => {
            let amount = take("amount").map(|amount| amount.parse()).transpose().ok()?;
            let adjustment = fake.refund(&transaction?, amount)?;
            fake.settle_refunds(true);
            json!({"adjustment": adjustment})
        }
        ("POST", "/_/deliver") if take("all").is_some() => {
            json!({"attempts": fake.deliver_all().await})
        }
        ("POST", "/_/deliver") => json!({"attempts": fake.deliver_due().await.len()}),
        ("POST", "/_/advance") => {
            fake.advance(Duration::from_secs(take("seconds")?.parse().ok()?));
            json!({"now": text(fake.now())})
        }
        ("GET", "/_/sums") => json!(sums(fake)),
        ("GET", "/_/events") => Value::Array(fake.events()),
        ("GET", "/_/log") => fake
            .attempts()
            .iter()
            .map(|attempt| {
                json!({
                    "at": text(attempt.at), "event_id": attempt.event_id,
                    "event_type": attempt.event_type, "status": attempt.status,
                    "notification_id": attempt.notification_id,
                })
            })
            .collect(),
        _ => return None,
    })
}

/// What was paid, by currency.
fn sums(fake: &FakePaddle) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for transaction in fake.transactions() {
        let text = |path: &str| transaction.pointer(path).and_then(Value::as_str).unwrap_or("");
        if text("/status") == "completed" {
            let sum: &mut i64 = sums.entry(text("/currency_code").to_owned()).or_default();
            *sum = sum.saturating_add(text("/details/totals/total").parse().unwrap_or_default());
        }
    }
    sums
}

fn text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

fn sale(sale: &Sale) -> Value {
    json!({
        "transaction": sale.transaction, "customer": sale.customer,
        "subscription": sale.subscription,
    })
}
