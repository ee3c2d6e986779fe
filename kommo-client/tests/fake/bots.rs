use kommo_client::{EntityType, ErrorKind, Fate, SalesbotId, fake::FakeLead};
use serde_json::json;

use crate::http::{client, post, unlimited};

#[tokio::test]
async fn a_salesbot_is_started_and_written_down() {
    let kommo = unlimited().await;
    kommo.add_salesbot(565);
    let leads = [kommo.add_lead(FakeLead::new("A")), kommo.add_lead(FakeLead::new("B"))];
    let contact = kommo.add_contact("Ann", &[], &[]);
    let bots = client(&kommo).salesbots();
    bots.run(SalesbotId::new(565), EntityType::Leads, &leads).await.expect("started");
    bots.run(SalesbotId::new(565), EntityType::Contacts, &[contact]).await.expect("started");
    bots.run(SalesbotId::new(565), EntityType::Leads, &[]).await.expect("nothing to do");
    assert_eq!(kommo.salesbots(), [(565, leads[0]), (565, leads[1]), (565, contact)]);
    assert_eq!(
        kommo.requests()[0].body,
        json!([{"bot_id": 565, "entity_id": leads[0], "entity_type": 2},
            {"bot_id": 565, "entity_id": leads[1], "entity_type": 2}])
    );
    assert_eq!((kommo.requests()[0].status, kommo.requests().len()), (202, 2));

    for (bot, on, ids) in
        [(565, EntityType::Companies, vec![1]), (565, EntityType::Leads, vec![1; 101])]
    {
        let error = bots.run(SalesbotId::new(bot), on, &ids).await.expect_err("not sent");
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
    }
    for (bot, id) in [(566, leads[0]), (565, 1)] {
        let error = bots.run(SalesbotId::new(bot), EntityType::Leads, &[id]).await;
        assert_eq!(error.expect_err("refused").fate(), Fate::Refused);
    }
    assert_eq!(kommo.salesbots().len(), 3, "what is refused starts nothing");
}

#[tokio::test]
async fn the_younger_methods_are_there_too() {
    let kommo = unlimited().await;
    kommo.add_salesbot(565);
    let lead = kommo.add_lead(FakeLead::new("A"));
    let on = json!({"entity_id": lead, "entity_type": "leads"});
    assert_eq!(post(&kommo, "bots/565/run", &on).await.status, 202);
    assert_eq!(post(&kommo, "bots/9/run", &on).await.status, 404);
    let many = json!([{"bot_id": 565, "entity_id": lead, "entity_type": "leads"}]);
    assert_eq!(post(&kommo, "bots/run", &many).await.status, 202);
    assert_eq!(kommo.salesbots(), [(565, lead), (565, lead)]);
    let wrong = json!({"entity_id": lead, "entity_type": "companies", "x": 1});
    let paths: Vec<_> = post(&kommo, "bots/565/run", &wrong)
        .await
        .problems()
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(paths, ["x", "entity_type"]);
}
