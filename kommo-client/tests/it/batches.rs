//! What became of each item of many.

use kommo_client::{
    Access, BuildError, EntityType, ErrorKind, ItemOutcome, LeadId, LeadPatch, LinkTo, NewNote,
    NewTag, NewUser, Rights, Updated,
};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, method},
};

use crate::support::{body, builder, client, requests};

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
async fn a_refusal_names_others_by_the_callers_index_too() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let items = items(request);
            let Some(bad) = items.iter().find(|item| item["entity_id"] == 155) else {
                let notes: Vec<_> = items
                    .iter()
                    .map(|item| json!({"id": 1, "request_id": item["request_id"]}))
                    .collect();
                return ResponseTemplate::new(200)
                    .set_body_json(json!({"_embedded": {"notes": notes}}));
            };
            let errors = json!([{"request_id": bad["request_id"], "errors": [{"code": "c"}]}]);
            ResponseTemplate::new(400).set_body_json(json!({"validation-errors": errors}))
        })
        .expect(2)
        .mount(&server)
        .await;
    let notes: Vec<_> = (100..160).map(|lead| NewNote::common(lead, "x")).collect();
    let outcomes = client(&server).notes(EntityType::Leads).create_each(&notes).await;
    assert!(outcomes[..50].iter().all(|outcome| outcome.done().is_some()));
    for index in [52, 55] {
        let (ItemOutcome::Unknown(kind) | ItemOutcome::Refused(kind)) = &outcomes[index] else {
            panic!("{index}: {:?}", outcomes[index])
        };
        let ErrorKind::Validation(errors) = kind else { panic!("{kind:?}") };
        assert_eq!(errors[0].index, Some(55), "{index}");
    }
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

#[tokio::test]
async fn k29_what_an_answer_does_not_name_is_unknown_and_the_rest_done() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .respond_with(|request: &Request| {
            // Fewer than asked for, in another order, and one that nobody asked for.
            let ids = items(request).into_iter().rev().filter(|item| item["id"] != 2);
            let leads: Vec<_> = ids.map(|item| json!({"id": item["id"]})).collect();
            let more = [leads, vec![json!({"id": 77})]].concat();
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"leads": more}}))
        })
        .expect(1)
        .mount(&server)
        .await;
    let outcomes = update(&server, &patches(1..=3)).await;
    assert_eq!(outcomes[0].done().unwrap().id, LeadId::new(1));
    assert_eq!(outcomes[1], ItemOutcome::Unknown(ErrorKind::Decode));
    assert_eq!(outcomes[2].done().unwrap().id, LeadId::new(3));

    let server = MockServer::start().await;
    let notes = json!([{"id": 8, "request_id": "2"}, {"id": 7, "request_id": "0"},
        {"id": 5, "request_id": "1"}, {"id": 6, "request_id": "1"}]);
    Mock::given(method("POST"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"notes": notes}})),
        )
        .expect(1)
        .mount(&server)
        .await;
    let notes = [1, 2, 3].map(|lead| NewNote::common(lead, "x"));
    let outcomes = client(&server).notes(EntityType::Leads).create_each(&notes).await;
    assert_eq!(outcomes[0].done().unwrap().id.get(), 7);
    assert_eq!(outcomes[1], ItemOutcome::Unknown(ErrorKind::Decode), "named twice");
    assert_eq!(outcomes[2].done().unwrap().id.get(), 8);
}

#[tokio::test]
async fn what_was_sent_before_the_work_ended_is_not_called_undone() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(504))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).expect(1).mount(&server).await;
    let outcomes = update(&server, &patches(1..=4)).await;
    assert_eq!(outcomes, vec![ItemOutcome::Unknown(ErrorKind::Server(504)); 4]);
}

#[tokio::test]
async fn the_batch_size_is_a_setting() {
    for (size, want) in
        [(1, vec![1; 7]), (3, vec![3, 3, 1]), (7, vec![7]), (8, vec![7]), (250, vec![7])]
    {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(strict).mount(&server).await;
        let client = builder(&server.uri()).batch_size(size).build().unwrap();
        let outcomes = client.leads().update_each(&patches(1..=7)).await;
        assert!(outcomes.iter().all(|outcome| outcome.done().is_some()), "{size}");
        let sizes: Vec<usize> =
            requests(&server).await.iter().map(|request| items(request).len()).collect();
        assert_eq!(sizes, want, "{size}");
    }
    for size in [0, 251, usize::MAX] {
        let error = builder("http://127.0.0.1:1").batch_size(size).build().unwrap_err();
        assert!(matches!(error, BuildError::BatchSize), "{size}: {error}");
    }
}

#[tokio::test]
async fn what_is_harmless_twice_goes_again_though_it_is_a_creation() {
    let server = MockServer::start().await;
    let refusal = json!({"validation-errors": [{"request_id": "1", "errors": [{"code": "NotBlank", "path": "name"}]}]});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(400).set_body_json(refusal))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let tags = json!([{"id": 1, "request_id": "0"}, {"id": 3, "request_id": "1"}]);
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"tags": tags}})),
        )
        .expect(1)
        .mount(&server)
        .await;
    let outcomes =
        client(&server).tags(EntityType::Leads).create_each(&["a", "", "c"].map(NewTag::new)).await;
    let made = |index: usize| outcomes[index].done().map(|made| (made.index, made.id.get()));
    assert_eq!((made(0), made(1), made(2)), (Some((0, 1)), None, Some((2, 3))));
    assert!(
        matches!(&outcomes[1], ItemOutcome::Refused(ErrorKind::Validation(errors)) if errors[0].index == Some(1))
    );
}

#[tokio::test]
async fn users_go_by_ten_whatever_the_setting() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let users: Vec<_> = items(request)
                .iter()
                .map(|item| json!({"id": 5, "request_id": item["request_id"]}))
                .collect();
            ResponseTemplate::new(201).set_body_json(json!({"_embedded": {"users": users}}))
        })
        .expect(3)
        .mount(&server)
        .await;
    let client = builder(&server.uri()).batch_size(250).build().unwrap();
    let users: Vec<_> = (0..21)
        .map(|number| {
            NewUser::new("Ann", format!("{number}@example.com"), Rights::same(&Access::All))
        })
        .collect();
    let outcomes = client.users().create_each(&users).await;
    assert!(outcomes.iter().all(|outcome| outcome.done().is_some()), "{outcomes:?}");
}

#[tokio::test]
async fn what_has_no_path_is_refused_unsent() {
    let server = MockServer::start().await;
    let client = client(&server);
    let nowhere = EntityType::from("../account");
    let notes = client.notes(nowhere.clone()).create_each(&[NewNote::common(1, "x")]).await;
    assert_eq!(notes, [ItemOutcome::Refused(ErrorKind::InvalidRequest)]);
    let tags = client.tags(nowhere.clone()).create_each(&[NewTag::new("a")]).await;
    assert_eq!(tags, [ItemOutcome::Refused(ErrorKind::InvalidRequest)]);
    let pair = (1, LinkTo::new(EntityType::Leads, 2));
    let links = client.mass_links(nowhere).link_each(&[pair]).await;
    assert_eq!(links, [ItemOutcome::Refused(ErrorKind::InvalidRequest)]);
    assert!(requests(&server).await.is_empty());
}
