//! What became of each item of many.

use kommo_client::{EntityType, ErrorKind, ItemOutcome, LeadId, LeadPatch, NewNote, Updated};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, method},
};

use crate::support::{body, client, requests};

fn items(request: &Request) -> Vec<Value> {
    body(request).as_array().unwrap().clone()
}

/// Does what a strict Kommo does: refuses the whole batch for any item whose id is a multiple of ten, naming the items in
/// an order of its own.
fn strict(request: &Request) -> ResponseTemplate {
    let items = items(request);
    let mut errors: Vec<Value> = items
        .iter()
        .filter(|item| item["id"].as_u64().unwrap() % 10 == 0)
        .map(|item| {
            json!({"request_id": item["request_id"], "errors": [
                {"code": "NotSupportedChoice", "path": format!("of {}", item["id"]), "detail": "No."}]})
        })
        .collect();
    errors.reverse();
    if errors.is_empty() {
        let leads: Vec<_> = items.iter().rev().map(|item| json!({"id": item["id"]})).collect();
        return ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"leads": leads}}));
    }
    ResponseTemplate::new(400).set_body_json(json!({"validation-errors": errors}))
}

fn patches(ids: std::ops::RangeInclusive<u64>) -> Vec<LeadPatch> {
    ids.map(|id| LeadPatch::new(LeadId::new(id)).price(1)).collect()
}

async fn update(server: &MockServer, patches: &[LeadPatch]) -> Vec<ItemOutcome<Updated<LeadId>>> {
    client(server).leads().update_each(patches).await
}

#[tokio::test]
async fn k28_the_bad_are_named_and_the_good_done() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(strict).mount(&server).await;
    let outcomes = update(&server, &patches(1..=75)).await;
    assert_eq!(outcomes.len(), 75);
    for (index, outcome) in outcomes.iter().enumerate() {
        let id = index as u64 + 1;
        match outcome {
            ItemOutcome::Done(updated) => assert!(updated.id.get() == id && !id.is_multiple_of(10)),
            ItemOutcome::Refused(ErrorKind::Validation(errors)) => {
                assert_eq!((errors.len(), errors[0].index), (1, Some(index)));
                assert_eq!(errors[0].errors[0].path, format!("of {id}"));
                assert_eq!(id % 10, 0);
            }
            outcome => panic!("{id}: {outcome:?}"),
        }
    }
    // Two batches, each again without its bad items; none of the good is written twice.
    let sizes: Vec<usize> =
        requests(&server).await.iter().map(|request| items(request).len()).collect();
    assert_eq!(sizes, [50, 25, 45, 23]);
}

#[tokio::test]
async fn a_refusal_by_rule_names_entities() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(400)
                .set_body_json(json!({"errors": {"2": "Only for lost leads"}})),
        )
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(strict).mount(&server).await;
    let outcomes = update(&server, &patches(1..=3)).await;
    assert!(outcomes[0].done().is_some() && outcomes[2].done().is_some());
    let ItemOutcome::Refused(ErrorKind::Rule(sentences)) = &outcomes[1] else { panic!() };
    assert_eq!(sentences["2"], "Only for lost leads");
}

#[tokio::test]
async fn a_refusal_that_names_nobody_is_narrowed_down() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(|request: &Request| {
            if items(request).iter().any(|item| item["id"] == 3) {
                let detail = json!({"status": 400, "detail": "User(s) 1 are not associated"});
                return ResponseTemplate::new(400).set_body_json(detail);
            }
            strict(request)
        })
        .mount(&server)
        .await;
    let outcomes = update(&server, &patches(1..=9)).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            ItemOutcome::Refused(ErrorKind::Status(400)) => assert_eq!(index, 2),
            outcome => assert!(outcome.done().is_some() && index != 2, "{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_504_halves_the_batch() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(|request: &Request| match items(request).len() {
            ..=3 => strict(request),
            _ => ResponseTemplate::new(504),
        })
        .mount(&server)
        .await;
    let outcomes = update(&server, &patches(1..=9)).await;
    assert!(outcomes.iter().all(|outcome| outcome.done().is_some()), "{outcomes:?}");
    let sizes: Vec<usize> =
        requests(&server).await.iter().map(|request| items(request).len()).collect();
    assert_eq!(sizes, [9, 5, 4, 3, 2, 2, 2]);

    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(504)).mount(&server).await;
    let outcomes = update(&server, &patches(1..=2)).await;
    assert_eq!(outcomes, vec![ItemOutcome::Unknown(ErrorKind::Server(504)); 2]);
}

#[tokio::test]
async fn a_failure_that_is_not_about_items_ends_the_work() {
    for (status, first) in [
        (401, ItemOutcome::NotDone(ErrorKind::Unauthorized)),
        (429, ItemOutcome::NotDone(ErrorKind::RateLimited)),
        (500, ItemOutcome::Unknown(ErrorKind::Server(500))),
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let outcomes = update(&server, &patches(1..=60)).await;
        assert!(outcomes[..50].iter().all(|outcome| *outcome == first), "{status}");
        let rest = &outcomes[50..];
        assert!(
            rest.len() == 10
                && rest.iter().all(|outcome| matches!(outcome, ItemOutcome::NotDone(_)))
        );
    }
}

#[tokio::test]
async fn a_single_item_that_is_refused_without_a_name_holds_up_no_other() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(|request: &Request| {
            if items(request).iter().any(|item| item["id"] == 51) {
                let errors = json!([{"request_id": "nobody's", "errors": []}]);
                return ResponseTemplate::new(400)
                    .set_body_json(json!({"validation-errors": errors}));
            }
            let leads: Vec<_> =
                items(request).iter().map(|item| json!({"id": item["id"]})).collect();
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"leads": leads}}))
        })
        .mount(&server)
        .await;
    let outcomes = update(&server, &patches(1..=101)).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            ItemOutcome::Refused(ErrorKind::Validation(_)) => assert_eq!(index, 50),
            outcome => assert!(outcome.done().is_some() && index != 50, "{index} {outcome:?}"),
        }
    }
    assert_eq!(outcomes.len(), 101);
}

#[tokio::test]
async fn an_item_that_cannot_be_written_spoils_no_other() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(strict).mount(&server).await;
    let mut patches = patches(1..=5);
    patches[3] = LeadPatch::new(LeadId::new(4)).price_decimal("much");
    let outcomes = update(&server, &patches).await;
    assert_eq!(outcomes[3], ItemOutcome::Refused(ErrorKind::InvalidRequest));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.done().is_some()).count(), 4);
}

#[tokio::test]
async fn k28_creations_are_not_sent_again() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_json(
            json!({"validation-errors": [{"request_id": "1", "errors": [{"code": "c", "path": "entity_id"}]}]}),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let notes = [1, 2, 3].map(|lead| NewNote::common(lead, "x"));
    let outcomes = client(&server).notes(EntityType::Leads).create_each(&notes).await;
    assert!(matches!(outcomes[0], ItemOutcome::Unknown(_)));
    assert!(
        matches!(&outcomes[1], ItemOutcome::Refused(ErrorKind::Validation(errors)) if errors[0].index == Some(1))
    );
    assert!(matches!(outcomes[2], ItemOutcome::Unknown(_)));
}

#[tokio::test]
async fn created_items_have_the_callers_index() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let notes: Vec<_> = items(request)
                .iter()
                .map(|item| json!({"id": item["entity_id"], "request_id": item["request_id"]}))
                .collect();
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"notes": notes}}))
        })
        .expect(2)
        .mount(&server)
        .await;
    let notes: Vec<_> = (100..160).map(|lead| NewNote::common(lead, "x")).collect();
    let outcomes = client(&server).notes(EntityType::Leads).create_each(&notes).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        let created = outcome.done().unwrap();
        assert_eq!((created.index, created.id.get()), (index, index as u64 + 100));
    }
}

#[tokio::test]
async fn nothing_makes_no_request() {
    let server = MockServer::start().await;
    assert_eq!(update(&server, &[]).await, []);
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn ten_thousand_leads_are_read_in_40_requests_and_changed_in_200() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH")).respond_with(strict).expect(200).mount(&server).await;
    Mock::given(method("GET"))
        .respond_with(|request: &Request| {
            let ids = request.url.query_pairs().filter(|(key, _)| key == "filter[id][]");
            let leads: Vec<_> =
                ids.map(|(_, id)| json!({"id": id.parse::<u64>().unwrap()})).collect();
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"leads": leads}}))
        })
        .expect(40)
        .mount(&server)
        .await;
    // None of them is a multiple of ten.
    let ids: Vec<LeadId> = (0..10_000).map(|index| LeadId::new(index * 10 + 1)).collect();
    assert_eq!(client(&server).leads().list_by_ids(&ids).await.unwrap().len(), 10_000);
    let patches: Vec<_> = ids.iter().map(|id| LeadPatch::new(*id).price(1)).collect();
    let outcomes = update(&server, &patches).await;
    assert!(outcomes.iter().all(|outcome| outcome.done().is_some()));
}
