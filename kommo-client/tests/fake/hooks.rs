use kommo_client::ErrorKind;
use serde_json::json;

use crate::http::{client, post, unlimited};

#[tokio::test]
async fn webhooks_are_subscribed_replaced_listed_and_ended() {
    let kommo = unlimited().await;
    let hooks = client(&kommo).webhooks();
    assert_eq!(hooks.list().await.expect("a list"), []);
    let to = "https://app.example/kommo/6f1c";
    let made = hooks.subscribe(to, &["status_lead", "add_lead"]).await.expect("subscribed");
    assert_eq!((made.destination.as_str(), made.disabled), (to, false));
    let again = hooks.subscribe(to, &["update_lead"]).await.expect("subscribed");
    assert_eq!((again.id, again.settings), (made.id, vec!["update_lead".to_owned()]));
    assert_eq!(hooks.list().await.expect("a list").len(), 1, "by destination there is one");
    assert_eq!(kommo.webhooks(), [(to.to_owned(), vec!["update_lead".to_owned()])]);

    let error = hooks.subscribe(to, &["lead_status"]).await.expect_err("no such event");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
    let list = json!([{"destination": to, "settings": ["add_lead"]}]);
    assert_eq!(post(&kommo, "webhooks", &list).await.status, 400, "one object, not a list");
    for (body, path) in [
        (json!({"settings": ["add_lead"]}), "destination"),
        (json!({"destination": to}), "settings"),
        (json!({"destination": "nowhere", "settings": ["add_lead"]}), "destination"),
        (json!({"destination": "https://пример.рф/x", "settings": ["add_lead"]}), "destination"),
        (json!({"destination": to, "settings": ["add_lead"], "secret": "x"}), "secret"),
    ] {
        assert_eq!(post(&kommo, "webhooks", &body).await.problem().1, path, "{body}");
    }
    assert!(hooks.unsubscribe(to).await.expect("an answer"));
    assert!(!hooks.unsubscribe(to).await.expect("an answer"), "there is none any more");
    assert_eq!(kommo.webhooks(), []);
}
