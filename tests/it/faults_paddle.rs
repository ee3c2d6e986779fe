//! Rows of the fault matrix between Paddle and us: what is delivered, in whatever way. Each test is named after its row.

use std::time::Duration;

use e2e::{Kind, LEAD, Story, World, bodies};
use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{Clock as _, SystemClock};
use paddle_webhook::{SecretKey, sign};
use serde_json::{Value, json};

const BOTH: [Kind; 2] = [Kind::Axum, Kind::Actix];

async fn deliver_bytes(world: &World, body: &[u8]) -> u16 {
    let header = e2e::signature(body);
    world.post(&[("Paddle-Signature", &header)], body.to_vec()).await.0
}

async fn done(world: &World) -> u64 {
    world.settled().await;
    world.server.sync().stats().await.expect("the store answers").done
}

/// How often each reason has parked an event.
async fn parked(world: &World) -> Vec<(String, u64)> {
    world.settled().await;
    world.server.sync().stats().await.expect("the store answers").parked
}

fn won_once(world: &World, lead: u64) {
    let stage = world.kommo.lead(lead).expect("the deal is there")["status_id"].as_u64();
    assert_eq!((stage, world.kommo.notes(lead).len()), (Some(142), 1), "deal {lead}");
}

#[tokio::test]
async fn p01_a_thousand_deliveries_of_one_event_at_once_are_one_event() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let body = bodies::payment("evt_1", LEAD).to_string();
        let header = e2e::signature(body.as_bytes());
        let some = async || {
            for _ in 0..16 {
                let headers = [("Paddle-Signature", header.as_str())];
                assert_eq!(world.post(&headers, body.clone().into_bytes()).await.0, 200);
            }
        };
        futures_util::future::join_all((0..64).map(|_| some())).await;
        assert_eq!(done(&world).await, 1, "{kind:?}");
        won_once(&world, LEAD);
        assert_eq!(world.kommo.ledger().len(), 2, "{kind:?}: the deal and its note");
    }
}

#[tokio::test]
async fn p02_a_replay_from_the_dashboard_is_the_same_event() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let first = bodies::payment("evt_1", LEAD);
        let mut replay = first.clone();
        replay["notification_id"] = json!("ntf_2");
        for body in [&first, &replay, &first] {
            assert_eq!(world.deliver(body).await, 200, "{kind:?}");
        }
        assert_eq!((done(&world).await, parked(&world).await), (1, vec![]), "{kind:?}");
        won_once(&world, LEAD);
    }
}

#[tokio::test]
async fn p03_another_body_under_the_same_id_is_kept_for_a_person_and_the_first_counts() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let first = bodies::payment("evt_1", LEAD);
        let mut second = first.clone();
        second["data"]["details"]["totals"]["total"] = json!("100");
        for body in [&first, &second, &second] {
            assert_eq!(world.deliver(body).await, 200, "{kind:?}");
            world.settled().await;
        }
        won_once(&world, LEAD);
        assert_eq!(world.kommo.lead(LEAD).expect("it is there")["price"], 599, "{kind:?}");
        let waits = world.server.sync().parked(10).await.expect("the store answers");
        assert_eq!(waits.len(), 1, "{kind:?}: the second, once");
        assert!(waits[0].parked.detail.contains("evt_1"), "{kind:?}: {}", waits[0].parked.detail);
    }
}

#[tokio::test]
async fn p06_a_delivery_that_is_three_days_late_counts_and_overwrites_nothing_newer() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let three_days_ago = SystemClock::default().now() - time::Duration::days(3);
        let mut story = Story::of(LEAD).since(three_days_ago);
        let payment = story.first_payment();
        let active = story.subscription("subscription.updated", |_| {});
        story.wait(time::Duration::days(2));
        let canceled = story.subscription("subscription.canceled", |data| {
            data["status"] = json!("canceled");
            data["next_billed_at"] = Value::Null;
        });
        world.tell([&payment, &canceled, &active]).await;
        let rep = world.rep(LEAD);
        assert_eq!((rep.stage(), rep.price()), (142, 599), "{kind:?}");
        assert_eq!(rep.field("SUBSCRIPTION_STATUS"), "canceled", "{kind:?}");
        assert_eq!(parked(&world).await, [], "{kind:?}");
    }
}

#[tokio::test]
async fn p07_ten_thousand_deliveries_at_once_are_all_taken_in() {
    const CONNECTIONS: u32 = 64;
    const EACH: u32 = 10_000 / CONNECTIONS + 1;
    let world = World::start(Kind::Axum).await;
    let some = async |connection: u32| {
        for number in 0..EACH {
            let event_id = format!("evt_{connection}_{number}");
            let body = json!({
                "event_id": event_id, "event_type": "customer.updated",
                "occurred_at": "2026-01-15T12:00:00Z",
                "data": {"id": format!("ctm_{connection}_{number}"), "email": "jo@example.com"},
            });
            assert_eq!(world.deliver(&body).await, 200, "{event_id}");
        }
    };
    futures_util::future::join_all((0..CONNECTIONS).map(some)).await;
    assert_eq!(done(&world).await, u64::from(CONNECTIONS * EACH));
}

#[tokio::test]
async fn p11_authentic_bytes_that_are_no_text_are_kept_for_a_person_and_not_sent_for_again() {
    let event = |text: &[u8]| {
        let body = br#"{"event_id":"evt_1","event_type":"transaction.completed","data":{"name":""#;
        [&body[..], text, br#""}}"#].concat()
    };
    let named = |event_id: &str, id: &str| {
        let body = r#"{"event_id":"EVENT","event_type":"transaction.completed","occurred_at":"2026-01-15T12:00:00Z","data":{"id":"ID"}}"#;
        body.replace("EVENT", event_id).replace("ID", id).into_bytes()
    };
    let table: [(&str, Vec<u8>); 11] = [
        ("an escaped NUL in its id", named("evt_\\u0000", "txn_1")),
        ("an escaped NUL in the id of what it is about", named("evt_2", "txn_\\u0000")),
        ("an id that is too long for an index", named("evt_3", &"txn_".repeat(1_000))),
        ("a continuation byte alone", event(b"\x80")),
        ("cut in the middle", event(b"\xe2\x82")),
        ("overlong", event(b"\xc0\xaf")),
        ("a surrogate in UTF-8", event(b"\xed\xa0\x80")),
        ("beyond Unicode", event(b"\xf4\x90\x80\x80")),
        ("a lone escaped surrogate", event(b"\\ud800")),
        ("NUL", event(b"\0")),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
    ];
    for kind in BOTH {
        let world = World::start(kind).await;
        for _ in 0..2 {
            for (name, body) in &table {
                assert_eq!(deliver_bytes(&world, body).await, 200, "{kind:?}: {name}");
            }
        }
        assert_eq!(parked(&world).await, [("unreadable".to_owned(), 11)], "{kind:?}: each once");
        // A byte order mark in front is harmless or not: it is never lost.
        let marked = format!("\u{feff}{}", bodies::payment("evt_bom", LEAD));
        assert_eq!(deliver_bytes(&world, marked.as_bytes()).await, 200, "{kind:?}");
        let (done, parked) = (done(&world).await, parked(&world).await);
        let parked: u64 = parked.iter().map(|(_, count)| count).sum();
        assert_eq!(done + parked, 12, "{kind:?}");
    }
}

#[tokio::test]
async fn p12_authentic_bytes_that_are_no_event_are_kept_for_a_person() {
    let deep = "[".repeat(100_000);
    let deep_object = r#"{"data":"#.repeat(20_000);
    let table = [
        "",
        " ",
        "null",
        "true",
        "0",
        "\"text\"",
        "[]",
        "{}",
        "[1,2",
        "{\"a\":1,}",
        "{'a':1}",
        "{\"event_id\":1}",
        "{\"event_id\":\"evt_1\"}",
        "{}{}",
        "NaN",
        "1e400",
        "hello",
        "<xml/>",
        &deep,
        &deep_object,
    ];
    for kind in BOTH {
        let world = World::start(kind).await;
        for body in table {
            let start: String = body.chars().take(20).collect();
            assert_eq!(deliver_bytes(&world, body.as_bytes()).await, 200, "{kind:?}: {start}");
        }
        let count = u64::try_from(table.len()).expect("it is small");
        assert_eq!(parked(&world).await, [("unreadable".to_owned(), count)], "{kind:?}");
        assert!(world.kommo.requests().is_empty(), "{kind:?}: nobody was asked for it");
    }
}

#[tokio::test]
async fn p13_what_paddle_adds_later_breaks_nothing() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let payment = |id: &str| bodies::payment(id, LEAD);
        let mut new_fields = payment("evt_fields");
        new_fields["new_at_the_top"] = json!({"deep": [1, null]});
        new_fields["data"]["new_in_it"] = json!([{"a": 1}]);
        let mut new_status = payment("evt_status");
        new_status["data"]["status"] = json!("brand_new");
        let mut new_origin = payment("evt_origin");
        new_origin["data"]["origin"] = json!("brand_new");
        let mut few = payment("evt_few");
        for optional in ["invoice_number", "billed_at", "items", "customer_id"] {
            few["data"].as_object_mut().expect("an object").remove(optional);
        }
        let mut nulls = payment("evt_nulls");
        for optional in ["invoice_number", "billed_at", "customer_id", "origin"] {
            nulls["data"][optional] = Value::Null;
        }
        let unknown = json!({
            "event_id": "evt_unknown", "event_type": "moon.landed", "data": {"id": "moo_1"},
            "occurred_at": "2026-01-15T12:00:00Z",
        });
        let all = [&new_fields, &new_status, &new_origin, &few, &nulls, &unknown];
        for body in all {
            assert_eq!(world.deliver(body).await, 200, "{kind:?}: {}", body["event_id"]);
            world.settled().await;
        }
        assert_eq!(parked(&world).await, [], "{kind:?}: none of it needs a person");
        assert_eq!(done(&world).await, 6, "{kind:?}");
        let stage = &world.kommo.lead(LEAD).expect("it is there")["status_id"];
        assert_eq!(stage, 142, "{kind:?}: a field more is no reason not to close");
    }
}

#[tokio::test]
async fn p16_clocks_may_differ_by_five_minutes_and_no_more() {
    const MINUTE: i64 = 60;
    const YEAR: i64 = 365 * 24 * 60 * MINUTE;
    for kind in BOTH {
        let world = World::start(kind).await;
        let key = SecretKey::new(e2e::SECRET).expect("a secret");
        for (seconds, want) in [
            (-4 * MINUTE, 200),
            (4 * MINUTE, 200),
            (-6 * MINUTE, 401),
            (6 * MINUTE, 401),
            (-10 * YEAR, 401),
            (10 * YEAR, 401),
        ] {
            let body = bodies::payment("evt_1", LEAD).to_string().into_bytes();
            let at = SystemClock::default().now() + time::Duration::seconds(seconds);
            let header = sign(&key, &body, at).to_string();
            let status = world.post(&[("Paddle-Signature", &header)], body).await.0;
            assert_eq!(status, want, "{kind:?}: {seconds} s");
        }
        if kind == Kind::Axum {
            let (_, metrics) = world.get("/metrics").await;
            let suspect = "paddle_deliveries_total{result=\"untimely\"} 4";
            assert!(metrics.lines().any(|line| line == suspect), "{metrics}");
        }
    }
}

#[tokio::test]
async fn p17_while_a_secret_is_rotated_either_signature_counts() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let new = SecretKey::new("pdl_ntfset_the_next_one").expect("a secret");
        for (place, is_first) in [true, false].into_iter().enumerate() {
            let body = bodies::payment(&format!("evt_{place}"), LEAD).to_string().into_bytes();
            let now = SystemClock::default().now();
            let ours = sign(&SecretKey::new(e2e::SECRET).expect("a secret"), &body, now);
            let (ours, theirs) = (ours.to_string(), sign(&new, &body, now).to_string());
            let mac = |header: &str| header.split_once(";h1=").expect("a MAC").1.to_owned();
            let time = ours.split_once(';').expect("a time").0;
            let (one, two) = if is_first { (&ours, &theirs) } else { (&theirs, &ours) };
            let header = format!("{time};h1={};h1={}", mac(one), mac(two));
            let status = world.post(&[("Paddle-Signature", &header)], body).await.0;
            assert_eq!(status, 200, "{kind:?}: ours first: {is_first}");
        }
    }
}

#[tokio::test]
async fn p21_who_hangs_up_before_the_answer_delivers_again_and_nothing_is_twice() {
    const EVENTS: u64 = 200;
    for kind in BOTH {
        let world = World::start(kind).await;
        for number in 0..EVENTS {
            world.kommo.add_lead(FakeLead::new("Acme").id(LEAD + 1 + number));
        }
        let body = |number: u64| {
            let mut body = bodies::payment(&format!("evt_{number}"), LEAD + 1 + number);
            body["data"]["customer_id"] = json!(format!("ctm_{number}"));
            body
        };
        for number in 0..EVENTS {
            let body = body(number).to_string();
            let header = e2e::signature(body.as_bytes());
            world.server.hang_up_after(&header, body.as_bytes()).await;
        }
        for number in 0..EVENTS {
            assert_eq!(world.deliver(&body(number)).await, 200, "{kind:?}: {number}");
        }
        assert_eq!(done(&world).await, EVENTS, "{kind:?}");
        (0..EVENTS).for_each(|number| won_once(&world, LEAD + 1 + number));
    }
}

#[tokio::test]
async fn p22_a_packed_body_is_refused_before_it_is_read() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let body = bodies::payment("evt_1", LEAD).to_string().into_bytes();
        let header = e2e::signature(&body);
        for (encoding, want) in [("gzip", 415), ("br", 415), ("identity", 200)] {
            let headers = [("Paddle-Signature", header.as_str()), ("Content-Encoding", encoding)];
            assert_eq!(world.post(&headers, body.clone()).await.0, want, "{kind:?}: {encoding}");
        }
        assert_eq!((done(&world).await, parked(&world).await), (1, vec![]), "{kind:?}");
    }
}

#[tokio::test]
async fn p23_forged_deliveries_among_good_ones_leave_no_trace_and_hold_up_nobody() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let forged = async |number: u32| {
            for round in 0..30 {
                let body = bodies::payment(&format!("evt_forged_{number}_{round}"), LEAD);
                let body = body.to_string().into_bytes();
                let header = e2e::signature(b"another body");
                let answer = world.post(&[("Paddle-Signature", &header)], body).await;
                assert_eq!(answer, (401, String::new()), "{kind:?}");
            }
        };
        let good = async {
            for number in 0..100 {
                let body = json!({
                    "event_id": format!("evt_{number}"), "event_type": "product.created",
                    "occurred_at": "2026-01-15T12:00:00Z", "data": {"id": "pro_1"},
                });
                assert_eq!(world.deliver(&body).await, 200, "{kind:?}");
            }
        };
        tokio::join!(futures_util::future::join_all((0..32).map(forged)), good);
        assert_eq!((done(&world).await, parked(&world).await), (100, vec![]), "{kind:?}");
        assert!(world.kommo.ledger().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn p24_names_in_any_script_arrive_as_they_were_typed() {
    let long = "ß".repeat(255);
    let (too_long, cut) = ("🦀".repeat(300), "🦀".repeat(256));
    let table = [
        ("emoji", "Pro 🚀👩‍💻", "Pro 🚀👩 💻"),
        ("right to left", "خطة برو", "خطة برو"),
        ("look-alikes", "Рrо (Cyrillic Р, о)", "Рrо (Cyrillic Р, о)"),
        ("combining", "Prö Pr\u{f6}", "Prö Pr\u{f6}"),
        ("Chinese", "专业版，每年", "专业版，每年"),
        ("as SQL", "Robert'); DROP TABLE inbox;--", "Robert'); DROP TABLE inbox;--"),
        ("as HTML", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("as JSON", r#"","event_id":"evt_2"#, r#"","event_id":"evt_2"#),
        ("255 letters", &long, &long),
        ("300 letters", &too_long, &cut),
        ("turned around", "Pro \u{202e}dne", "Pro dne"),
        ("several lines", "Pro\r\nPaid 1.00 USD", "Pro Paid 1.00 USD"),
    ];
    for kind in BOTH {
        let world = World::start(kind).await;
        for (place, (name, typed, want)) in (1..).zip(table) {
            let lead = LEAD + place;
            world.kommo.add_lead(FakeLead::new("Acme").id(lead));
            let mut body = bodies::payment(&format!("evt_{place}"), lead);
            body["data"]["customer_id"] = json!(format!("ctm_{place}"));
            body["data"]["items"][0]["price"]["name"] = json!(typed);
            assert_eq!(world.deliver(&body).await, 200, "{kind:?}: {name}");
            world.settled().await;
            let field = world.kommo.field_value(lead, "PLAN_NAME");
            assert_eq!(field, Some(json!(want)), "{kind:?}: {name}");
            let notes = world.kommo.note_texts(lead);
            assert!(notes.len() == 1 && notes[0].contains(want), "{kind:?}: {name}: {notes:?}");
        }
    }
}

#[tokio::test]
async fn p25_sums_of_every_kind_are_exact_or_wait_for_a_person() {
    // Without tax. What becomes of the deal: its stage, and its price in whole units.
    const OPEN: u64 = 58_141_811;
    let table = [
        ("a usual one", "USD", json!("59900"), (142, 599)),
        ("zero", "USD", json!("0"), (OPEN, 0)),
        ("negative", "USD", json!("-59900"), (OPEN, 0)),
        ("no decimals", "JPY", json!("59900"), (142, 59_900)),
        // Paddle has no such currency, so nobody knows its decimals: the deal is won, and no price is guessed.
        ("three decimals", "KWD", json!("1234500"), (142, 0)),
        ("half a unit", "USD", json!("59950"), (142, 600)),
        (
            "beyond what a float holds",
            "USD",
            json!("900719925474099301"),
            (142, 9_007_199_254_740_993),
        ),
        ("beyond 64 bits", "USD", json!("99999999999999999999"), (OPEN, 0)),
        ("no number", "USD", json!("12abc"), (OPEN, 0)),
        ("a decimal", "USD", json!("599.00"), (OPEN, 0)),
        ("empty", "USD", json!(""), (OPEN, 0)),
        ("an object", "USD", json!({}), (OPEN, 0)),
    ];
    for (name, currency, total, want) in table {
        let world = World::start(Kind::Axum).await;
        world.kommo.set_currency(currency);
        let mut body = bodies::payment("evt_1", LEAD);
        let totals = json!({
            "subtotal": total, "discount": "0", "tax": "0", "total": total, "grand_total": total,
            "currency_code": currency,
        });
        body["data"]["currency_code"] = json!(currency);
        body["data"]["details"] =
            json!({"totals": totals.clone(), "payout_totals": totals, "line_items": []});
        assert_eq!(world.deliver(&body).await, 200, "{name}");
        world.settled().await;
        let rep = world.rep(LEAD);
        assert_eq!((rep.stage(), rep.price()), want, "{name}: {:?}", rep.notes());
        let waits = parked(&world).await;
        assert_eq!(done(&world).await + u64::from(!waits.is_empty()), 1, "{name}: {waits:?}");
    }
}

/// A half-open connection is what a peer leaves that has vanished.
#[tokio::test]
async fn p08_idle_connections_hold_up_nobody() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let mut idle = Vec::new();
        for _ in 0..100 {
            idle.push(
                tokio::net::TcpStream::connect(world.server.address()).await.expect("it listens"),
            );
        }
        let payment = bodies::payment("evt_1", LEAD);
        let delivery = world.deliver(&payment);
        let status = tokio::time::timeout(Duration::from_secs(30), delivery).await;
        assert_eq!(status, Ok(200), "{kind:?}");
        drop(idle);
    }
}
