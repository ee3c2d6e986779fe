//! `cargo bench -p paddle-webhook`: what a delivery costs, next to what it cannot cost less than.
//!
//! The limits are measured in the same run: hashing the body once (`limit::sha256`, `limit::hmac`), and one pass of
//! `serde_json` that ignores everything (`limit::skip`). At the end the ratios are printed, from runs in turn, because
//! on a shared machine only they mean anything.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench that cannot go on has nothing to say"
)]

#[path = "../tests/it/bodies.rs"]
mod bodies;

use std::{hint::black_box, time::Instant};

use bodies::DataStands;
use divan::Bencher;
use hmac::{Hmac, KeyInit, Mac};
use paddle_webhook::{Environment, Event, EventData, SecretKey, Verifier, sign};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
const SECRET: &str = "pdl_ntfset_01example_Wq3+x/7";

/// About 1, 7.4 and 101 KB.
const SIZES: [&str; 3] = ["1 KB", "7 KB", "101 KB"];

fn body(size: &str, data_stands: DataStands) -> String {
    match size {
        "1 KB" => bodies::customer(data_stands),
        "7 KB" => bodies::transaction(3, data_stands),
        _ => bodies::transaction(56, data_stands),
    }
}

fn secret() -> SecretKey {
    SecretKey::new(SECRET).unwrap()
}

fn header(body: &str) -> String {
    sign(&secret(), body.as_bytes(), NOW).to_string()
}

fn envelope(verifier: &Verifier, header: &str, body: &str) -> Event {
    verifier.verify_at(header.as_bytes(), body.as_bytes(), NOW).unwrap().parse().unwrap()
}

fn typed(verifier: &Verifier, header: &str, body: &str) -> EventData {
    envelope(verifier, header, body).data().unwrap()
}

fn skip(body: &str) -> IgnoredAny {
    serde_json::from_str(body).unwrap()
}

mod limit {
    use super::{
        Bencher, DataStands, Digest, Hmac, KeyInit, Mac, SECRET, SIZES, Sha256, body, skip,
    };

    #[divan::bench(args = SIZES)]
    fn sha256(bencher: Bencher<'_, '_>, size: &str) {
        let body = body(size, DataStands::First);
        bencher.bench_local(|| Sha256::digest(body.as_bytes()));
    }

    #[divan::bench(args = SIZES)]
    fn hmac(bencher: Bencher<'_, '_>, size: &str) {
        let body = body(size, DataStands::First);
        let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        bencher.bench_local(|| {
            let mut mac = key.clone();
            mac.update(body.as_bytes());
            mac.finalize()
        });
    }

    #[divan::bench(name = "skip", args = SIZES)]
    fn skip_pass(bencher: Bencher<'_, '_>, size: &str) {
        let body = body(size, DataStands::First);
        bencher.bench_local(|| skip(&body));
    }
}

#[divan::bench(args = SIZES)]
fn verify(bencher: Bencher<'_, '_>, size: &str) {
    let (verifier, body) = (Verifier::new(secret()), body(size, DataStands::First));
    let header = header(&body);
    bencher.bench_local(|| verifier.verify_at(header.as_bytes(), body.as_bytes(), NOW));
}

#[divan::bench(args = SIZES)]
fn refuse_malformed(bencher: Bencher<'_, '_>, size: &str) {
    let (verifier, body) = (Verifier::new(secret()), body(size, DataStands::First));
    bencher.bench_local(|| verifier.verify_at(b"ts=1772366400x;h1=abc", body.as_bytes(), NOW));
}

#[divan::bench(args = SIZES)]
fn envelope_data_first(bencher: Bencher<'_, '_>, size: &str) {
    let (verifier, body) = (Verifier::new(secret()), body(size, DataStands::First));
    let header = header(&body);
    bencher.bench_local(|| envelope(&verifier, &header, &body));
}

#[divan::bench(args = SIZES)]
fn envelope_data_last(bencher: Bencher<'_, '_>, size: &str) {
    let (verifier, body) = (Verifier::new(secret()), body(size, DataStands::Last));
    let header = header(&body);
    bencher.bench_local(|| envelope(&verifier, &header, &body));
}

#[divan::bench(args = SIZES)]
fn parse_alone(bencher: Bencher<'_, '_>, size: &str) {
    let body = body(size, DataStands::First);
    bencher.bench_local(|| Event::from_trusted(body.as_bytes(), Environment::Live));
}

#[divan::bench(args = SIZES)]
fn typed_event(bencher: Bencher<'_, '_>, size: &str) {
    let (verifier, body) = (Verifier::new(secret()), body(size, DataStands::First));
    let header = header(&body);
    bencher.bench_local(|| typed(&verifier, &header, &body));
}

/// Medians of runs in turn, so that whatever slows the machine slows each of them.
fn medians<const N: usize>(mut runs: [Box<dyn FnMut() + '_>; N]) -> [u128; N] {
    const ROUNDS: usize = 401;
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed().as_nanos());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times.get(ROUNDS / 2).copied().unwrap_or_default()
    })
}

fn print_ratio(what: &str, size: &str, above: u128, below: u128) {
    let hundredths = above * 100 / below.max(1);
    println!(
        "{what:<48} {size:>18}  {}.{:02}  ({above} ns / {below} ns)",
        hundredths / 100,
        hundredths % 100
    );
}

fn print_ratios() {
    for (size, stands) in SIZES
        .into_iter()
        .flat_map(|size| [DataStands::First, DataStands::Last].map(|stands| (size, stands)))
    {
        let (verifier, body) = (Verifier::new(secret()), body(size, stands));
        let header = header(&body);
        let (verifier, header, body) = (&verifier, header.as_str(), body.as_str());
        let late = NOW + time::Duration::HOUR;
        let [sha256, skip, verify, envelope, typed] = medians([
            Box::new(|| _ = black_box(Sha256::digest(black_box(body)))),
            Box::new(|| _ = black_box(skip(black_box(body)))),
            Box::new(|| {
                _ = black_box(verifier.verify_at(
                    header.as_bytes(),
                    black_box(body.as_bytes()),
                    NOW,
                ))
            }),
            Box::new(|| _ = black_box(envelope(verifier, header, black_box(body)))),
            Box::new(|| _ = black_box(typed(verifier, header, black_box(body)))),
        ]);
        let stands = match stands {
            DataStands::First => "data first",
            DataStands::Last => "data last",
        };
        let size = format!("{size}, {stands}");
        print_ratio("verify / sha256", &size, verify, sha256);
        print_ratio("verify + envelope / (sha256 + skip)", &size, envelope, sha256 + skip);
        print_ratio("verify + envelope + typed / (sha256 + skip)", &size, typed, sha256 + skip);

        // Reading a header that is right, and the clock: without a body to hash, what every refusal has to do.
        let nothing = self::header("");
        let [least, malformed, stale] = medians([
            Box::new(|| {
                black_box(nothing.split(';').filter_map(|part| part.split_once('=')).count());
                _ = black_box(Instant::now());
            }),
            Box::new(|| {
                _ = black_box(verifier.verify(black_box(b"ts=1x;h1=abc"), body.as_bytes()))
            }),
            Box::new(|| {
                _ = black_box(verifier.verify_at(
                    header.as_bytes(),
                    black_box(body.as_bytes()),
                    late,
                ))
            }),
        ]);
        print_ratio("refuse a malformed header / (header + clock)", &size, malformed, least);
        // It is hashed first: only whoever has the secret learns that the clock is the reason.
        print_ratio("refuse a stale signature / verify", &size, stale, verify);
    }
}

fn main() {
    divan::main();
    // `cargo test --benches` runs each bench once; ratios of that would say nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
}
