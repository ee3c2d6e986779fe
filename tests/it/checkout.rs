//! From the payment stage to a won deal: the link, the buyer, the payment.

use std::time::Duration;

use e2e::{ADMIN_TOKEN, CLIENT_TOKEN, HOOK_SECRET, Kind, LEAD, SECRET, Setup, World};
use kommo_client::{
    AccessToken, Client, FieldInput, FieldWrite, LeadId, LeadPatch, PipelineId, StatusId,
    fake::FakeKommo,
};
use paddle_kommo_sync::{
    PaymentStage,
    fake_paddle::{FakePaddle, PRO_MONTHLY},
    paddle,
};
use paddle_webhook::TransactionId;
use serde_json::{Value, json};

const PIPELINE: u64 = 6_950_551;
const PAYMENT: u64 = 58_141_815;
const EMAIL: &str = "jo@example.com";

struct Shop {
    world: World,
    paddle: FakePaddle,
}

impl Shop {
    async fn start(look_at_stage: Option<Duration>) -> Self {
        let paddle = FakePaddle::start().await;
        let mut setup = Setup { look_at_stage, ..Setup::default() };
        let key = paddle::ApiKey::new(paddle.api_key()).expect("a key");
        let client = paddle::Client::builder(key).base_url(&paddle.uri()).build();
        setup.paddle = Some(client.expect("a client"));
        setup.rules.fields.checkout_url = "PADDLE_CHECKOUT_URL".into();
        setup.rules.checkout.quantity_field = "SEATS".into();
        setup.rules.checkout.stage =
            Some(PaymentStage::new(PipelineId::new(PIPELINE), StatusId::new(PAYMENT)));
        let world = World::with(Kind::Axum, setup).await;
        paddle.add_destination(
            &world.server.url("/paddle/webhook"),
            SECRET,
            FakePaddle::event_types(),
        );
        paddle.set_payment_link(Some(&world.server.url("/pay")));
        world.kommo.add_field(Some("PADDLE_CHECKOUT_URL"), "Payment link", "url");
        world.kommo.add_field(Some("PADDLE_PRICE_ID"), "Price", "text");
        world.kommo.add_field(Some("SEATS"), "Seats", "numeric");
        world.kommo.add_contact("Jo Brown", &[EMAIL], &[LEAD]);
        sell(&world.kommo, 10).await;
        Self { world, paddle }
    }

    /// The rep moves the deal to the payment stage, and Kommo tells.
    async fn move_to_payment(&self) {
        self.world.kommo.move_lead(LEAD, PIPELINE, PAYMENT);
        let changed_at = &self.world.kommo.lead(LEAD).expect("the deal is there")["updated_at"];
        let body = format!(
            "leads%5Bstatus%5D%5B0%5D%5Bid%5D={LEAD}&leads[status][0][status_id]={PAYMENT}\
             &leads[status][0][pipeline_id]={PIPELINE}&leads[status][0][last_modified]={changed_at}&account[id]=31361463"
        );
        assert_eq!(self.webhook(HOOK_SECRET, &body).await, 200);
    }

    async fn webhook(&self, secret: &str, body: &str) -> u16 {
        let address = self.world.server.url(&format!("/kommo/webhook/{secret}"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = http
            .post(address)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.to_owned());
        request.send().await.expect("an answer").status().as_u16()
    }

    fn link(&self) -> Option<String> {
        let link = self.world.kommo.field_value(LEAD, "PADDLE_CHECKOUT_URL")?;
        link.as_str().map(str::to_owned)
    }
}

/// The rep says what the deal sells.
async fn sell(kommo: &FakeKommo, seats: u32) {
    let token = AccessToken::new(kommo.token()).expect("a token");
    let client = Client::builder(&kommo.uri(), token).build().expect("a client");
    let patch = LeadPatch::new(LeadId::new(LEAD))
        .field(FieldWrite::new("PADDLE_PRICE_ID", FieldInput::Text(PRO_MONTHLY.to_owned())))
        .field(FieldWrite::new("SEATS", FieldInput::Numeric(seats.to_string())));
    client.leads().update(&[patch]).await.expect("it is taken");
}

#[tokio::test]
async fn a_deal_in_the_payment_stage_gets_its_link_and_is_won_when_the_buyer_pays() {
    let shop = Shop::start(None).await;
    let (world, paddle) = (&shop.world, &shop.paddle);
    shop.move_to_payment().await;
    world.settled().await;
    let link = shop.link().expect("the deal has its link");
    let (page, transaction) = link.split_once("?_ptxn=").expect("the link names its transaction");
    assert_eq!(page, world.server.url("/pay"));
    let transaction = TransactionId::from(transaction);
    let rep = world.rep(LEAD);
    assert_eq!(rep.notes(), [format!("Payment link: {link} · Pro × 10 · {transaction}")]);

    // The buyer opens it, and pays.
    let (status, body) = world.get(&format!("/pay?_ptxn={transaction}")).await;
    assert_eq!(status, 200);
    assert!(body.contains(CLIENT_TOKEN), "{body}");
    assert!(paddle.pay(&transaction, EMAIL).is_some());
    paddle.deliver_all().await;
    world.settled().await;
    assert!(paddle.attempts().iter().all(|attempt| attempt.is_delivered()));
    let lead = world.kommo.lead(LEAD).expect("the deal is there");
    assert_eq!(lead["status_id"], 142);
    assert_eq!(rep.field("PADDLE_TXN_ID"), transaction.as_str());
    assert_eq!(world.kommo.file_names(LEAD).len(), 1, "its invoice is attached");

    // Whoever asks now is told.
    let (status, answer) = world.operator("POST", "/checkout", Some(json!({"lead": LEAD}))).await;
    assert_eq!((status, answer), (409, json!({"state": "paid", "transaction": transaction})));
    let (_, metrics) = world.get("/metrics").await;
    for line in [
        r#"paddle_kommo_checkouts_total{result="made"} 1"#,
        r#"kommo_webhooks_total{result="accepted"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn nobody_without_the_secret_is_heard() {
    let shop = Shop::start(None).await;
    shop.world.kommo.move_lead(LEAD, PIPELINE, PAYMENT);
    let body = format!("leads[status][0][id]={LEAD}&leads[status][0][status_id]={PAYMENT}");
    for secret in ["", "made-up-for-tests-012345678", "MADE-UP-FOR-TESTS-0123456789", "%2e%2e"] {
        assert_eq!(shop.webhook(secret, &body).await, 404, "{secret}");
    }
    let deep = format!("leads[status]{}=1", "[0]".repeat(40));
    assert_eq!(shop.webhook(HOOK_SECRET, &deep).await, 413);
    for body in ["", "nonsense", "leads[status][0][id]=abc", "leads[note][0][note][element_id]=1"] {
        assert_eq!(shop.webhook(HOOK_SECRET, body).await, 200, "{body}");
    }
    shop.world.settled().await;
    assert_eq!(shop.link(), None);
    assert!(shop.paddle.transactions().is_empty());
}

#[tokio::test]
async fn an_operator_asks_for_a_link_and_is_told_what_stands_in_the_way() {
    let shop = Shop::start(None).await;
    let world = &shop.world;
    let ask = json!({"lead": LEAD});
    for token in [None, Some("Bearer not-the-admin-token")] {
        assert_eq!(world.admin("POST", "/checkout", token, Some(&ask)).await.0, 401);
    }
    let (status, answer) = world.operator("POST", "/checkout", Some(ask.clone())).await;
    assert_eq!((status, &answer["state"]), (200, &json!("open")), "{answer}");
    assert_eq!(answer["url"].as_str().map(str::to_owned), shop.link());
    let (status, again) = world.operator("POST", "/checkout", Some(ask)).await;
    assert_eq!((status, &again), (200, &answer));

    let items = json!([{"price_id": PRO_MONTHLY, "quantity": 3}]);
    let (status, revised) =
        world.operator("POST", "/checkout", Some(json!({"lead": LEAD, "items": items}))).await;
    assert_eq!((status, &revised["transaction"]), (200, &answer["transaction"]));
    assert_eq!(shop.paddle.transactions()[0]["items"][0]["quantity"], 3);

    for (body, want, says) in [
        (json!({"lead": 0}), 400, "is not the id of a deal"),
        (json!({"lead": LEAD, "item": []}), 422, ""),
        (json!({"lead": 404}), 422, "404"),
        (
            json!({"lead": LEAD, "items": [{"price_id": "seats"}]}),
            422,
            "not the id of a Paddle price",
        ),
        (json!({"lead": LEAD, "items": [{"price_id": PRO_MONTHLY, "quantity": 0}]}), 422, "is 0"),
    ] {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let (status, answer) = world.admin("POST", "/checkout", Some(&token), Some(&body)).await;
        assert_eq!(status, want, "{body}: {answer}");
        assert!(answer.contains(says), "{body}: {answer}");
    }
    world.kommo.set_token_valid(false);
    let ask = json!({"lead": LEAD, "items": [{"price_id": PRO_MONTHLY, "quantity": 4}]});
    let (status, answer) = world.operator("POST", "/checkout", Some(ask)).await;
    assert_eq!((status, &answer["state"]), (202, &json!("waiting")), "{answer}");
    assert!(answer["until"].is_string(), "{answer}");
}

#[tokio::test]
async fn without_webhooks_the_stage_is_looked_at() {
    let shop = Shop::start(Some(Duration::from_millis(20))).await;
    shop.world.kommo.move_lead(LEAD, PIPELINE, PAYMENT);
    shop.world.until("the deal has its link", async || shop.link().is_some()).await;
    shop.world.settled().await;
    assert_eq!(shop.paddle.transactions().len(), 1);
    sell(&shop.world.kommo, 4).await;
    let seats = async || shop.paddle.transactions()[0]["items"][0]["quantity"] == 4;
    shop.world.until("the link is for four seats", seats).await;
    shop.world.settled().await;
    let texts: Vec<String> = shop.world.rep(LEAD).notes();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(
        shop.world.kommo.lead(LEAD).map(|lead| lead["status_id"].clone()),
        Some(Value::from(PAYMENT))
    );
}
