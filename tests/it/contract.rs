//! Which request gets which answer.

use e2e::{Kind, LEAD, World, bodies};
use serde_json::{Value, json};

const BOTH: [Kind; 2] = [Kind::Axum, Kind::Actix];

#[tokio::test]
async fn p15_whatever_is_not_authentic_gets_the_same_empty_401() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let body = bodies::payment("evt_1", LEAD).to_string();
        let good = e2e::signature(body.as_bytes());
        let (digits, mac) = good.split_once(';').expect("a time and a MAC");
        let old = format!("ts=1700000000;{mac}");
        let other = e2e::signature(b"another body");
        let doubled = [("Paddle-Signature", good.as_str()), ("Paddle-Signature", good.as_str())];
        let huge = "h1=0;".repeat(1000);
        for (name, headers) in [
            ("no header", &[][..]),
            ("an empty header", &[("Paddle-Signature", "")]),
            ("nonsense", &[("Paddle-Signature", "hello")]),
            ("only a time", &[("Paddle-Signature", digits)]),
            ("another time", &[("Paddle-Signature", &old)]),
            ("another body's", &[("Paddle-Signature", &other)]),
            ("two headers", &doubled),
            ("five thousand characters", &[("Paddle-Signature", &huge)]),
            ("not ASCII", &[("Paddle-Signature", "ts=1;h1=ä")]),
        ] {
            let answer = world.post(headers, body.clone().into_bytes()).await;
            assert_eq!(answer, (401, String::new()), "{kind:?}: {name}");
        }
        let stats = world.server.sync().stats().await.expect("the store answers");
        assert_eq!((stats.open, stats.done), (0, 0), "{kind:?}: nothing of it is kept");
        assert!(world.kommo.requests().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn p12_whatever_is_authentic_is_kept_and_gets_a_200() {
    let unknown = br#"{"event_id":"evt_1","event_type":"brand.new","occurred_at":"2026-01-01T00:00:00Z","data":{"x":1}}"#;
    for kind in BOTH {
        let world = World::start(kind).await;
        for (name, body) in [
            ("an unknown type", unknown.to_vec()),
            ("not an event", b"{}".to_vec()),
            ("not JSON", b"hello-world".to_vec()),
            ("not UTF-8", b"\xff\xfe\x00".to_vec()),
            ("nothing", Vec::new()),
            ("a hundred thousand brackets", vec![b'['; 100_000]),
        ] {
            let header = e2e::signature(&body);
            let (status, _) = world.post(&[("Paddle-Signature", &header)], body).await;
            assert_eq!(status, 200, "{kind:?}: {name}");
        }
        world.settled().await;
        let stats = world.server.sync().stats().await.expect("the store answers");
        assert_eq!(stats.done, 1, "{kind:?}: the unknown type");
        assert_eq!(
            stats.parked,
            [("unreadable".to_owned(), 5)],
            "{kind:?}: the rest waits for a person"
        );
    }
}

#[tokio::test]
async fn p10_the_limit_of_a_body_is_two_mebibytes() {
    for kind in BOTH {
        let world = World::start(kind).await;
        for (length, want) in
            [((2 << 20) - 1, 200), (2 << 20, 200), ((2 << 20) + 1, 413), (10 << 20, 413)]
        {
            let body = vec![b' '; length];
            let header = e2e::signature(&body);
            let status = world.server.raw_post(&header, &body).await;
            assert_eq!(status, want, "{kind:?}: {length} bytes");
        }
    }
}

#[tokio::test]
async fn p19_other_paths_and_methods_are_refused() {
    for kind in BOTH {
        let world = World::start(kind).await;
        // actix-web answers 404 for a known path with another method.
        let want = if kind == Kind::Axum { 405 } else { 404 };
        assert_eq!(world.get("/paddle/webhook").await.0, want, "{kind:?}");
        assert_eq!(world.get("/nothing/here").await.0, 404, "{kind:?}");
    }
}

#[tokio::test]
async fn health_and_metrics_tell_how_it_stands() {
    let world = World::start(Kind::Axum).await;
    assert_eq!(world.get("/health/live").await.0, 200);
    for (event, lead) in [("evt_1", LEAD), ("evt_1", LEAD), ("evt_2", 404)] {
        assert_eq!(world.deliver(&bodies::payment(event, lead)).await, 200);
    }
    assert_eq!(world.post(&[], Vec::new()).await.0, 401);
    world.settled().await;
    world.kommo.set_token_valid(false);
    assert_eq!(world.deliver(&bodies::payment("evt_3", LEAD)).await, 200);
    world
        .until("the account pauses", async || {
            world.get("/health/ready").await.1.contains("unauthorized")
        })
        .await;

    let (status, page) = world.get("/health/ready").await;
    let page: Value = serde_json::from_str(&page).expect("it is JSON");
    assert_eq!(status, 200, "deliveries are stored, whatever Kommo says");
    assert_eq!((&page["queue"]["open"], &page["queue"]["parked"]), (&json!(1), &json!(1)));
    assert!(
        page["queue"]["oldest_received_at"].is_string()
            && page["kommo"]["paused_until"].is_string(),
        "{page}"
    );

    let (status, page) = world.get("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "paddle_deliveries_total{result=\"accepted\"} 3",
        "paddle_deliveries_total{result=\"duplicate\"} 1",
        "paddle_deliveries_total{result=\"not_authentic\"} 1",
        "paddle_kommo_events_open 1",
        "paddle_kommo_events_done_total 1",
        "paddle_kommo_events_parked{reason=\"deal_gone\"} 1",
        "paddle_kommo_paused 1",
        "paddle_kommo_trouble 1",
    ] {
        assert!(page.lines().any(|found| found == line), "no line `{line}` in\n{page}");
    }
}

#[tokio::test]
async fn an_operator_links_what_was_parked_with_the_admin_token() {
    let world = World::start(Kind::Axum).await;
    let mut payment = bodies::payment("evt_1", LEAD);
    payment["data"]["custom_data"] = Value::Null;
    assert_eq!(world.deliver(&payment).await, 200);
    world.settled().await;

    let wrong = [None, Some("Bearer wrong-token-wrong-token"), Some(e2e::ADMIN_TOKEN)];
    for token in wrong {
        for path in ["/admin/parked", "/admin/explain/evt_1"] {
            assert_eq!(
                world.admin("GET", path, token, None).await,
                (401, String::new()),
                "{token:?} {path}"
            );
        }
        let link = json!({"what": "evt_1", "lead": LEAD});
        assert_eq!(
            world.admin("POST", "/admin/link", token, Some(&link)).await.0,
            401,
            "{token:?}"
        );
    }
    let token = format!("Bearer {}", e2e::ADMIN_TOKEN);
    let admin = async |method: &str, path: &str, body: Option<Value>| {
        let (status, text) = world.admin(method, path, Some(&token), body.as_ref()).await;
        (status, serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    let (_, parked) = admin("GET", "/admin/parked", None).await;
    assert_eq!(
        (&parked[0]["event_id"], &parked[0]["parked"]["reason"]),
        (&json!("evt_1"), &json!("no_deal"))
    );
    assert_eq!(admin("POST", "/admin/events/evt_9/resume", None).await.0, 404);
    assert_eq!(
        admin("POST", "/admin/link", Some(json!({"what": "evt_1", "lead": 0}))).await.0,
        400
    );
    let (status, linked) =
        admin("POST", "/admin/link", Some(json!({"what": "evt_1", "lead": LEAD}))).await;
    assert_eq!((status, linked), (200, json!({"resumed": ["evt_1"]})));
    world.settled().await;
    assert_eq!(world.kommo.lead(LEAD).expect("the deal is there")["status_id"], 142);
    let (_, story) = admin("GET", &format!("/admin/explain/{LEAD}"), None).await;
    assert_eq!(story[0]["outcome"]["reasons"], json!(["first_payment"]));
    assert_eq!(admin("GET", "/admin/parked", None).await.1, json!([]));
}
