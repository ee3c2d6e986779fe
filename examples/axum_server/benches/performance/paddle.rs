//! A Paddle: it makes events, signs each with the time of its sending, and delivers them over kept connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use paddle_kommo_sync::{Clock as _, SystemClock};
use paddle_webhook::{SecretKey, sign};
use time::format_description::well_known::Rfc3339;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub const SECRET: &str = "pdl_ntfset_made_up_for_the_bench";

/// Numbers of events and deals; none is used twice in a run.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// So many numbers in a row.
pub fn numbers(count: u64) -> std::ops::Range<u64> {
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    first..first + count
}

/// The deal that the payment with this number is for.
pub fn lead(number: u64) -> u64 {
    30_000_000 + number
}

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub enum Topic {
    /// A first checkout of 652.15 USD with a deal of its own: about 4 KB, as Paddle sends it for one item.
    Payment,
    /// A change of the catalogue, which asks nothing of Kommo.
    Catalogue,
}

/// The body of a delivery.
pub fn body(topic: Topic, number: u64) -> String {
    let at = SystemClock::default().now().format(&Rfc3339).expect("a time");
    let (event_type, data) = match topic {
        Topic::Payment => ("transaction.completed", payment(number, &at)),
        Topic::Catalogue => ("product.updated", product(number)),
    };
    format!(
        r#"{{"data":{{{data}}},"event_id":"evt_01{number:024}","event_type":"{event_type}","occurred_at":"{at}","notification_id":"ntf_01{number:024}"}}"#
    )
}

fn product(number: u64) -> String {
    format!(
        r#""id":"pro_01{number:024}","name":"Example Pro","type":"standard","status":"active","image_url":"https://img.example/pro.png","created_at":"2026-01-23T12:43:46.605Z","updated_at":"2026-04-05T15:53:44.687Z","custom_data":{{"features":{{"sso":false,"route_planning":true,"payment_by_invoice":false}},"upgrade_description":"Everything in the smaller plan, and reports, exports and rules on top of it."}},"description":"For people who do this all day: everything in the smaller plan, and reports, exports, rules and integrations on top of it.","tax_category":"standard","import_meta":null"#
    )
}

fn payment(number: u64, at: &str) -> String {
    let lead = lead(number);
    let price = r#""id":"pri_01gsz8x8sawmvhz1pv30nge1ke","name":"Monthly, per seat","type":"standard","status":"active","quantity":{"maximum":999,"minimum":1},"tax_mode":"account_setting","created_at":"2026-02-23T13:55:22.538367Z","product_id":"pro_01gsz4t5hdjse780zja8vvr7jg","unit_price":{"amount":"5990","currency_code":"USD"},"updated_at":"2026-04-11T13:54:52.254748Z","custom_data":null,"description":"Monthly","trial_period":null,"billing_cycle":{"interval":"month","frequency":1},"unit_price_overrides":[],"import_meta":null"#;
    let product = product(1);
    let totals = r#""fee":"3311","tax":"5315","total":"65215","credit":"0","balance":"0","discount":"0","earnings":"56589","subtotal":"59900","grand_total":"65215","currency_code":"USD","credit_to_balance":"0""#;
    format!(
        r#""id":"txn_01{number:024}","items":[{{"price_id":"pri_01gsz8x8sawmvhz1pv30nge1ke","price":{{{price}}},"quantity":10,"proration":null}}],"origin":"web","status":"completed","details":{{"totals":{{{totals}}},"line_items":[{{"id":"txnitm_01{number:024}","totals":{{"tax":"5315","total":"65215","discount":"0","subtotal":"59900"}},"product":{{{product}}},"price_id":"pri_01gsz8x8sawmvhz1pv30nge1ke","quantity":10,"tax_rate":"0.08875","unit_totals":{{"tax":"531","total":"6521","discount":"0","subtotal":"5990"}},"proration":null}}],"payout_totals":{{{totals}}},"tax_rates_used":[{{"totals":{{"tax":"5315","total":"65215","discount":"0","subtotal":"59900"}},"tax_rate":"0.08875"}}],"adjusted_totals":{{"fee":"3311","tax":"5315","total":"65215","earnings":"56589","subtotal":"59900","grand_total":"65215","currency_code":"USD"}}}},"checkout":{{"url":"https://pay.example/?_ptxn=txn_01{number:024}"}},"payments":[{{"amount":"65215","status":"captured","created_at":"{at}","error_code":null,"captured_at":"{at}","method_details":{{"card":{{"type":"visa","last4":"3184","expiry_year":2030,"expiry_month":1,"cardholder_name":"A. Example"}},"type":"card"}},"payment_method_id":"paymtd_01hv8x1tpjfnttxddw73xnqx6s","payment_attempt_id":"937640dd-e3dc-40df-a16c-bb75aafd8f71","stored_payment_method_id":"281ff2ca-8550-42b9-bf39-15948e7de62d"}}],"billed_at":"{at}","address_id":"add_01hv8gq3318ktkfengj2r75gfx","created_at":"{at}","invoice_id":"inv_01{number:024}","revised_at":null,"updated_at":"{at}","business_id":null,"custom_data":{{"kommo_lead_id":"{lead}"}},"customer_id":"ctm_01{number:024}","discount_id":null,"receipt_data":null,"currency_code":"USD","billing_period":{{"ends_at":"2027-05-12T10:18:47.635628Z","starts_at":"2026-04-12T10:18:47.635628Z"}},"invoice_number":"325-{number}","billing_details":null,"collection_mode":"automatic","subscription_id":"sub_01{number:024}""#
    )
}

/// The value of `Paddle-Signature`, signed now.
pub fn signature(body: &str) -> String {
    let key = SecretKey::new(SECRET).expect("a secret");
    sign(&key, body.as_bytes(), SystemClock::default().now()).to_string()
}

/// One kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8 << 10) })
    }

    /// Delivers an event; gives the status and how long the answer took.
    pub async fn deliver(&mut self, topic: Topic, number: u64) -> std::io::Result<(u16, Duration)> {
        let body = body(topic, number);
        let request = format!(
            "POST /paddle/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Paddle-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
            signature(&body),
            body.len()
        );
        let started = Instant::now();
        let (status, _) = self.send(request.as_bytes()).await?;
        Ok((status, started.elapsed()))
    }

    pub async fn get(&mut self, path: &str) -> std::io::Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.send(request.as_bytes()).await
    }

    async fn send(&mut self, request: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((status, body)) = answer(&self.buffer) {
                return Ok((status, body));
            }
        }
    }
}

/// The status and the body, once all of it is there.
fn answer(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let body = &bytes[end + 4..];
    (body.len() >= length).then(|| (status, body[..length].to_vec()))
}

/// What a number of deliveries came to.
#[derive(Debug, Default)]
pub struct Delivered {
    pub answers: Vec<Duration>,
    pub not_200: u64,
    pub took: Duration,
}

impl Delivered {
    pub fn per_second(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64()
    }
}

/// How much to deliver.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Time(Duration),
    Count(u64),
}

/// Delivers events over so many connections, each as fast as its answers come.
pub async fn deliver(
    address: SocketAddr,
    connections: usize,
    topic: Topic,
    until: Until,
) -> std::io::Result<Delivered> {
    let left = Arc::new(AtomicU64::new(match until {
        Until::Count(count) => count,
        Until::Time(_) => u64::MAX,
    }));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let started = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let left = Arc::clone(&left);
            tokio::spawn(async move {
                let (mut answers, mut not_200) = (Vec::new(), 0);
                while match until {
                    Until::Time(time) => started.elapsed() < time,
                    Until::Count(_) => left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                            left.checked_sub(1)
                        })
                        .is_ok(),
                } {
                    let number = numbers(1).start;
                    let (status, took) = connection.deliver(topic, number).await?;
                    answers.push(took);
                    not_200 += u64::from(status != 200);
                }
                Ok::<_, std::io::Error>((answers, not_200))
            })
        })
        .collect();
    let mut all = Delivered::default();
    for task in tasks {
        let (answers, not_200) = task.await.map_err(std::io::Error::other)??;
        all.answers.extend(answers);
        all.not_200 += not_200;
    }
    all.took = started.elapsed();
    Ok(all)
}
