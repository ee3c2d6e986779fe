use kommo_client::fake::FakeLead;
use serde_json::json;

use crate::http::{get, patch, unlimited};

#[tokio::test]
async fn closing_a_lead() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let lead = kommo.add_lead(FakeLead::new("Acme Inc.").price(100));
    kommo.set_time(Some(1_750_000_060));
    let body = json!([{"id": lead, "pipeline_id": 6950551, "status_id": 142, "price": 1200}]);
    let answer = patch(&kommo, "leads", &body).await;
    assert_eq!(answer.ids("leads"), [lead]);
    let read = get(&kommo, &format!("leads/{lead}")).await.json();
    assert_eq!((&read["status_id"], &read["price"]), (&json!(142), &json!(1200)));
    assert_eq!(read["closed_at"], 1_750_000_060);
    let ledger = kommo.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(!ledger[0].closed_without_pipeline);
}
