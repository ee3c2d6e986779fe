//! What the fake refuses, as plain HTTP.

use paddle_kommo_sync::fake_paddle::{FakePaddle, PRO_MONTHLY, Purchase, SETUP_ONCE};
use paddle_webhook::Environment;
use serde_json::{Value, json};

async fn ask(fake: &FakePaddle, method: &str, target: &str, body: Option<&str>) -> (u16, Value) {
    let request = reqwest::Client::new()
        .request(method.parse().unwrap(), format!("{}{target}", fake.uri()))
        .bearer_auth(fake.api_key());
    let request = match body {
        Some(body) => request.body(body.to_owned()),
        None => request,
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn only_the_right_key_is_let_in() {
    let fake = FakePaddle::start().await;
    let url = format!("{}/ips", fake.uri());
    let http = reqwest::Client::new();
    for (header, want) in [
        (None, "authentication_missing"),
        (Some(fake.api_key()), "authentication_malformed"),
        (Some("Bearer wrong".to_owned()), "invalid_token"),
    ] {
        let mut request = http.get(&url);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        let body = response.bytes().await.unwrap();
        assert_eq!(code(&serde_json::from_slice(&body).unwrap()), want);
    }
    fake.set_key_valid(false);
    assert_eq!(ask(&fake, "GET", "/ips", None).await.0, 403);
}

#[tokio::test]
async fn paths_ids_and_parameters_are_checked() {
    let fake = FakePaddle::start().await;
    for (method, target, status, want) in [
        ("GET", "/customers/ctm_none", 404, "not_found"),
        ("GET", "/customers/txn_1", 400, "bad_request"),
        ("GET", "/transactions/txn_none/invoice", 404, "not_found"),
        ("GET", "/adjustments/adj_none/credit-note", 404, "not_found"),
        ("GET", "/notifications/ntf_none", 404, "not_found"),
        ("POST", "/notifications/ntf_none/replay", 404, "not_found"),
        ("GET", "/moons", 404, "invalid_url"),
        ("GET", "/", 404, "invalid_url"),
        ("DELETE", "/customers/ctm_none", 405, "method_not_allowed"),
        ("GET", "/transactions?per_page=31", 400, "bad_request"),
        ("GET", "/adjustments?per_page=51", 400, "bad_request"),
        ("GET", "/events?per_page=201", 400, "bad_request"),
        ("GET", "/events?per_page=0", 400, "bad_request"),
        ("GET", "/events?page=2", 400, "bad_request"),
        ("GET", "/events?order_by=occurred_at[ASC]", 400, "bad_request"),
        ("GET", "/events?order_by=id", 400, "bad_request"),
        ("GET", "/transactions?include=customer", 400, "bad_request"),
        ("GET", "/transactions?created_at[SINCE]=2026-01-01T00:00:00Z", 400, "bad_request"),
        ("GET", "/transactions?created_at[GTE]=yesterday", 400, "invalid_time_query_parameter"),
    ] {
        let (got, body) = ask(&fake, method, target, None).await;
        assert_eq!((got, code(&body)), (status, want), "{method} {target}");
    }
}

#[tokio::test]
async fn a_transaction_that_paddle_would_not_take_is_not_made() {
    let fake = FakePaddle::start().await;
    let item = json!({"price_id": PRO_MONTHLY, "quantity": 1});
    let yearly = fake.add_price("Max", 1, "USD", Some("year"));
    for (body, want) in [
        (json!([]), "invalid_json"),
        (json!({}), "bad_request"),
        (json!({"items": []}), "bad_request"),
        (json!({"items": [item], "surprise": 1}), "bad_request"),
        (
            json!({"items": [{"price_id": "pri_none", "quantity": 1}]}),
            "transaction_price_not_found",
        ),
        (json!({"items": [item, item]}), "transaction_duplicate_price_ids"),
        (
            json!({"items": [item, {"price_id": yearly, "quantity": 1}]}),
            "transaction_price_different_billing_cycle",
        ),
        (
            json!({"items": [{"price_id": PRO_MONTHLY, "quantity": 101}]}),
            "transaction_item_quantity_out_of_range",
        ),
        (
            json!({"items": [{"price_id": PRO_MONTHLY, "quantity": "1"}]}),
            "transaction_item_quantity_out_of_range",
        ),
        (json!({"items": [item], "customer_id": "ctm_none"}), "bad_request"),
        (
            json!({"items": [item], "address_id": "add_1"}),
            "transaction_customer_is_required_with_address",
        ),
        (json!({"items": [item], "discount_id": "dsc_1"}), "transaction_discount_not_found"),
        (json!({"items": [item], "custom_data": [1]}), "bad_request"),
        (
            json!({"items": [item], "custom_data": {"id": 9_007_199_254_740_993_i64}}),
            "transaction_custom_data_numeric_value_too_large",
        ),
        (json!({"items": [item], "currency_code": "EUR"}), "bad_request"),
        (json!({"items": [item], "collection_mode": "manual"}), "not_implemented"),
        (
            json!({"items": [item], "checkout": {"url": "https://evil.example/"}}),
            "transaction_checkout_url_domain_is_not_approved",
        ),
    ] {
        let (status, got) = ask(&fake, "POST", "/transactions", Some(&body.to_string())).await;
        assert_eq!(code(&got), want, "{body}");
        assert!(status == 400 || want == "not_implemented", "{body}");
    }
    fake.set_payment_link(None);
    let body = json!({"items": [item]}).to_string();
    let (_, got) = ask(&fake, "POST", "/transactions", Some(&body)).await;
    assert_eq!(code(&got), "transaction_default_checkout_url_not_set");
    assert!(fake.transactions().is_empty() && fake.events().is_empty());
}

#[tokio::test]
async fn what_is_paid_cannot_be_changed() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&Purchase::new("jo@example.com").price(SETUP_ONCE));
    assert_eq!(sale.subscription, None);
    let target = format!("/transactions/{}", sale.transaction);
    for body in [r#"{"status":"canceled"}"#, r#"{"custom_data":{}}"#] {
        let (status, got) = ask(&fake, "PATCH", &target, Some(body)).await;
        assert_eq!((status, code(&got)), (400, "transaction_immutable"));
    }
    assert_eq!(fake.pay(&sale.transaction, "jo@example.com"), None);
}

#[tokio::test]
async fn more_than_the_limit_is_a_429() {
    let fake = FakePaddle::start().await;
    fake.set_rate_limit(Some(2));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(ask(&fake, "GET", "/ips", None).await.0);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(fake.rate_limited(), 1);
}

#[tokio::test]
async fn the_sandbox_has_its_own_key_and_addresses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let fake = FakePaddle::start_on(listener, Environment::Sandbox).await;
    assert!(fake.api_key().starts_with("pdl_sdbx_apikey_"));
    let (_, body) = ask(&fake, "GET", "/ips", None).await;
    assert_eq!(body["data"]["ipv4_cidrs"][0], "34.194.127.46/32");
}
