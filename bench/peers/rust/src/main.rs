//! Our crate and its peers on the same bytes: `../run.sh`.
//!
//! Every contender verifies the same signed body and reads the event. They take turns in random order, several rounds;
//! CPU time is taken, not the clock on the wall, and medians are printed. A tool that is missing is said.

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use cpu_time::ThreadTime;
use paddle_rust_sdk::{Paddle, webhooks::MaximumVariance};
use paddle_webhook::{SecretKey, Verifier, sign};
use time::OffsetDateTime;

const SECRET: &str = "pdl_ntfset_01example_Wq3+x/7";
const ROUNDS: usize = 15;
const BODIES: [&str; 3] = ["small", "medium", "large"];

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => compare(),
        Some("behaviour") => behaviour(),
        Some(other) => eprintln!("unknown argument {other}; nothing, or `behaviour`"),
    }
}

struct Input {
    header: String,
    body: String,
}

/// Events of about 1, 7 and 101 KB, written as Paddle writes them, signed just now.
fn inputs(folder: &Path) -> BTreeMap<&'static str, Input> {
    let customer = r#""id":"ctm_01hv6y1jedq4p1n0yqn5ba3ky4","name":"A. Example","email":"a@example.org","marketing_consent":false,"status":"active","custom_data":{"note":"NOTE"},"locale":"en","created_at":"2024-04-11T15:57:24.813Z","updated_at":"2024-04-11T15:57:24.813Z","import_meta":null"#;
    let item = r#"{"price_id":"pri_01gsz8x8sawmvhz1pv30nge1ke","price":{"id":"pri_01gsz8x8sawmvhz1pv30nge1ke","name":"Monthly, per seat","type":"standard","status":"active","quantity":{"maximum":999,"minimum":1},"tax_mode":"account_setting","created_at":"2023-02-23T13:55:22.538367Z","product_id":"pro_01gsz4t5hdjse780zja8vvr7jg","unit_price":{"amount":"3000","currency_code":"USD"},"updated_at":"2024-04-11T13:54:52.254748Z","custom_data":null,"description":"Monthly","trial_period":null,"billing_cycle":{"interval":"month","frequency":1},"unit_price_overrides":[],"import_meta":null},"quantity":10,"proration":null}"#;
    let line = r#"{"id":"txnitm_01hv8wt98jahpbm1t1tzr06z6n","totals":{"tax":"2662","total":"32662","discount":"0","subtotal":"30000"},"product":{"id":"pro_01gsz4t5hdjse780zja8vvr7jg","name":"Example Pro","type":"standard","status":"active","image_url":"https://img.example/pro.png","created_at":"2023-02-23T12:43:46.605Z","updated_at":"2024-04-05T15:53:44.687Z","custom_data":{"features":{"sso":false,"route_planning":true,"payment_by_invoice":false},"upgrade_description":"Everything in the smaller plan, and reports, exports and rules on top of it."},"description":"For people who do this all day: everything in the smaller plan, and reports, exports, rules and integrations on top of it.","tax_category":"standard","import_meta":null},"price_id":"pri_01gsz8x8sawmvhz1pv30nge1ke","quantity":10,"tax_rate":"0.08875","unit_totals":{"tax":"266","total":"3266","discount":"0","subtotal":"3000"},"proration":null}"#;
    let totals = r#""fee":"3311","tax":"5315","total":"65215","credit":"0","balance":"0","discount":"0","earnings":"56589","subtotal":"59900","grand_total":"65215","currency_code":"USD","credit_to_balance":"0""#;
    let transaction = |items: usize| {
        format!(
            r#""id":"txn_01hv8wptq8987qeep44cyrewp9","items":[{}],"origin":"web","status":"completed","details":{{"totals":{{{totals}}},"line_items":[{}],"payout_totals":{{{totals}}},"tax_rates_used":[{{"totals":{{"tax":"5315","total":"65215","discount":"0","subtotal":"59900"}},"tax_rate":"0.08875"}}],"adjusted_totals":{{"fee":"3311","tax":"5315","total":"65215","earnings":"56589","subtotal":"59900","grand_total":"65215","currency_code":"USD"}}}},"checkout":{{"url":"https://pay.example/?_ptxn=txn_01hv8wptq8987qeep44cyrewp9"}},"payments":[{{"amount":"65215","status":"captured","created_at":"2024-04-12T10:18:33.579142Z","error_code":null,"captured_at":"2024-04-12T10:18:47.635628Z","method_details":{{"card":{{"type":"visa","last4":"3184","expiry_year":2025,"expiry_month":1,"cardholder_name":"A. Example"}},"type":"card"}},"payment_method_id":"paymtd_01hv8x1tpjfnttxddw73xnqx6s","payment_attempt_id":"937640dd-e3dc-40df-a16c-bb75aafd8f71","stored_payment_method_id":"281ff2ca-8550-42b9-bf39-15948e7de62d"}}],"billed_at":"2024-04-12T10:18:48.294633Z","address_id":"add_01hv8gq3318ktkfengj2r75gfx","created_at":"2024-04-12T10:12:33.2014Z","invoice_id":"inv_01hv8x29nsh54c2pgt0hnq0zkx","revised_at":null,"updated_at":"2024-04-12T10:18:49.738971238Z","business_id":null,"custom_data":null,"customer_id":"ctm_01hv6y1jedq4p1n0yqn5ba3ky4","discount_id":null,"receipt_data":null,"currency_code":"USD","billing_period":{{"ends_at":"2024-05-12T10:18:47.635628Z","starts_at":"2024-04-12T10:18:47.635628Z"}},"invoice_number":"325-10566","billing_details":null,"collection_mode":"automatic","subscription_id":"sub_01hv8x29kz0t586xy6zn1a62ny""#,
            vec![item; items].join(","),
            vec![line; items].join(","),
        )
    };
    let bodies = [
        ("small", "customer.created", customer.replace("NOTE", &"words and words ".repeat(30))),
        ("medium", "transaction.completed", transaction(3)),
        ("large", "transaction.completed", transaction(58)),
    ];
    let now = OffsetDateTime::now_utc();
    let secret = SecretKey::new(SECRET).unwrap();
    bodies
        .into_iter()
        .map(|(name, event_type, data)| {
            let body = format!(
                r#"{{"data":{{{data}}},"event_id":"evt_01hv8x2axb33yr5y238zfwcn5p","event_type":"{event_type}","occurred_at":"2024-04-12T10:18:50.155553Z","notification_id":"ntf_01hv8x2azy7scaan4s0eb0273x"}}"#
            );
            let header = sign(&secret, body.as_bytes(), now).to_string();
            fs::write(folder.join(format!("{name}.json")), &body).unwrap();
            fs::write(folder.join(format!("{name}.header")), &header).unwrap();
            (name, Input { header, body })
        })
        .collect()
}

/// Nanoseconds of CPU for one call, on average of a batch that takes about 20 ms.
fn cpu_nanos(mut call: impl FnMut()) -> u128 {
    call();
    let start = ThreadTime::now();
    call();
    let once = start.elapsed().as_nanos().max(1);
    let calls = (20_000_000 / once).clamp(3, 100_000);
    let start = ThreadTime::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_nanos() / calls
}

fn ours(verifier: &Verifier, input: &Input) -> paddle_webhook::Event {
    verifier
        .verify(black_box(input.header.as_bytes()), black_box(input.body.as_bytes()))
        .unwrap()
        .parse()
        .unwrap()
}

/// An hour: rounds take a while, and the header is signed once.
const LIMIT: u64 = 3_600;

fn peer(input: &Input) -> Result<paddle_rust_sdk::entities::Event, paddle_rust_sdk::error::Error> {
    Paddle::unmarshal(
        black_box(&input.body),
        SECRET,
        black_box(&input.header),
        MaximumVariance::seconds(LIMIT),
    )
}

/// Runs the driver of another language: it prints nanoseconds of CPU for one call, or why it cannot.
fn other(program: &str, arguments: &[&str], folder: &Path, body: &str) -> Result<u128, String> {
    let output = Command::new(program)
        .args(arguments)
        .args([folder.join(format!("{body}.json")), folder.join(format!("{body}.header"))])
        .arg(SECRET)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.parse().map_err(|_| {
        let error = String::from_utf8_lossy(&output.stderr);
        error
            .lines()
            .find(|line| line.contains("Error"))
            .or(error.lines().next())
            .unwrap_or("no output")
            .to_owned()
    })
}

fn compare() {
    let folder = std::env::temp_dir().join(format!("paddle-peers-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let inputs = inputs(&folder);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let node = here.join("node/bench.mjs");
    let python = here.join("python/bench.py");
    let venv = here.join("python/.venv/bin/python");
    let python_program = if venv.exists() { venv } else { PathBuf::from("python3") };
    let verifier = Verifier::new(SecretKey::new(SECRET).unwrap())
        .max_age(std::time::Duration::from_secs(LIMIT));

    let mut random =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos() | 1;
    let mut times: BTreeMap<(&str, &str), Vec<u128>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, String> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut turns: Vec<(&str, &str)> = Vec::new();
        for contender in
            ["ours, verified event", "ours, typed", "paddle-rust-sdk", "node", "python"]
        {
            turns.extend(BODIES.map(|body| (contender, body)));
        }
        // Fisher and Yates, with xorshift: no need for a crate here.
        for last in (1..turns.len()).rev() {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            turns.swap(last, random as usize % (last + 1));
        }
        for (contender, body) in turns {
            if missing.contains_key(contender) {
                continue;
            }
            let input = &inputs[body];
            let time = match contender {
                "ours, verified event" => Ok(cpu_nanos(|| drop(black_box(ours(&verifier, input))))),
                "ours, typed" => {
                    Ok(cpu_nanos(|| drop(black_box(ours(&verifier, input).data().unwrap()))))
                }
                "paddle-rust-sdk" => match peer(input) {
                    Ok(_) => Ok(cpu_nanos(|| drop(black_box(peer(input))))),
                    Err(error) => Err(error.to_string()),
                },
                "node" => other("node", &[&node.to_string_lossy()], &folder, body),
                _ => other(
                    &python_program.to_string_lossy(),
                    &[&python.to_string_lossy()],
                    &folder,
                    body,
                ),
            };
            match time {
                Ok(time) => times.entry((contender, body)).or_default().push(time),
                Err(why) => _ = missing.insert(contender, why),
            }
        }
    }
    _ = fs::remove_dir_all(&folder);

    println!("{:<22} {:>8} {:>12} {:>8}", "", "body", "CPU ns", "ratio");
    for body in BODIES {
        let mut base = None;
        for contender in
            ["paddle-rust-sdk", "ours, verified event", "ours, typed", "node", "python"]
        {
            let Some(times) = times.get_mut(&(contender, body)) else { continue };
            times.sort_unstable();
            let median = times[times.len() / 2];
            let base = *base.get_or_insert(median);
            let hundredths = median * 100 / base.max(1);
            let size = inputs[body].body.len();
            println!(
                "{contender:<22} {size:>8} {median:>12} {:>5}.{:02}",
                hundredths / 100,
                hundredths % 100
            );
        }
    }
    for (contender, why) in missing {
        println!("{contender}: not measured: {why}");
    }
}

/// What both crates say to headers and secrets of kinds that occur.
fn behaviour() {
    let now = OffsetDateTime::now_utc();
    let secret = || SecretKey::new(SECRET).unwrap();
    let folder = std::env::temp_dir();
    let body = inputs(&folder).remove("medium").unwrap().body;
    let good = sign(&secret(), body.as_bytes(), now).to_string();
    let ts = good.split(';').next().unwrap();
    let ahead = sign(&secret(), body.as_bytes(), now + time::Duration::days(3_652)).to_string();
    let non_ascii = format!("{ts};h1=a\u{e9}b");
    let rotation = format!("{good};h1={}", "ab".repeat(32));
    let scheme = format!("{good};h2=ab");
    for (what, header) in [
        ("one valid h1", &good),
        ("two h1, as in a rotation", &rotation),
        ("valid h1 and an unknown h2", &scheme),
        ("ts ten years ahead", &ahead),
        ("h1 with a letter beyond ASCII", &non_ascii),
    ] {
        let ours = match Verifier::new(secret()).verify(header.as_bytes(), body.as_bytes()) {
            Ok(_) => "accepts".to_owned(),
            Err(error) => format!("refuses: {error}"),
        };
        let peer = catch_unwind(AssertUnwindSafe(|| {
            Paddle::unmarshal(&body, SECRET, header, MaximumVariance::default()).map(drop)
        }));
        let peer = match peer {
            Ok(Ok(())) => "accepts".to_owned(),
            Ok(Err(error)) => format!("refuses: {error}"),
            Err(_) => "panics".to_owned(),
        };
        println!("{what}: ours {ours}; paddle-rust-sdk {peer}");
    }
}
