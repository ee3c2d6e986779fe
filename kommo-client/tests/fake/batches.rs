//! Many items in one request, and what became of each.

use kommo_client::{
    EntityType, ErrorKind, ItemOutcome, LeadId, LeadPatch, NewLead, NewNote, NewTask, NoteFilter,
    PipelineId, StatusId, TaskPatch, UserId,
    fake::{FakeLead, Fault},
};
use time::macros::datetime;

use crate::{
    each::words,
    http::{client, unlimited},
};

#[tokio::test]
async fn patches_of_many_leads_are_done_or_refused_one_by_one() {
    let kommo = unlimited().await;
    let mut ids: Vec<u64> = (0..60).map(|_| kommo.add_lead(FakeLead::new("Acme"))).collect();
    ids[7] = 1;
    let won = |id: &u64| {
        LeadPatch::new(LeadId::new(*id)).status(PipelineId::new(6_950_551), StatusId::WON)
    };
    let mut patches: Vec<LeadPatch> = ids.iter().map(won).collect();
    patches[55] = LeadPatch::new(LeadId::new(ids[55])).responsible_user(UserId::new(8_375_359));
    let outcomes = client(&kommo).leads().update_each(&patches).await;
    for (index, (id, outcome)) in ids.iter().zip(&outcomes).enumerate() {
        match outcome {
            ItemOutcome::Done(done) => assert_eq!(done.id.get(), *id),
            ItemOutcome::Refused(ErrorKind::Validation(items)) => {
                let path = items[0].errors[0].path.as_str();
                let detail = items[0].errors[0].detail.as_str();
                assert_eq!(items[0].index, Some(index));
                assert!(
                    matches!((index, path), (7, "id") | (55, "responsible_user_id")),
                    "{index} {path}"
                );
                assert_eq!(detail, "The value you selected is not a valid choice.");
            }
            outcome => panic!("{index}: {outcome:?}"),
        }
    }
    assert_eq!(kommo.ledger().len(), 58, "each good one once");
    assert_eq!(kommo.requests().len(), 4, "two batches, each again without its bad one");
}

#[tokio::test]
async fn notes_on_many_leads_go_in_one_request() {
    let kommo = unlimited().await;
    let leads: Vec<u64> = (0..3).map(|_| kommo.add_lead(FakeLead::new("Acme"))).collect();
    let notes = client(&kommo).notes(EntityType::Leads);
    let new: Vec<NewNote> =
        leads.iter().map(|lead| NewNote::common(*lead, format!("for {lead}"))).collect();
    let outcomes = notes.create_each(&new).await;
    for (index, (lead, outcome)) in leads.iter().zip(&outcomes).enumerate() {
        let ItemOutcome::Done(made) = outcome else { panic!("{outcome:?}") };
        assert_eq!(made.index, index);
        assert_eq!(kommo.note_texts(*lead), [format!("for {lead}")]);
        assert_eq!(kommo.notes(*lead)[0]["id"], made.id.get(), "each id belongs to its item");
    }
    assert_eq!(kommo.requests().len(), 1);
    let mut all = notes.list_all(&NoteFilter::new()).expect("a path");
    assert_eq!(all.next().await.expect("an answer").expect("a page").len(), 3);

    // One lead is gone. Whether Kommo wrote the others nobody has in writing: look before sending them again.
    let mut new = new;
    new[1] = NewNote::common(1, "nowhere");
    for partial in [false, true] {
        kommo.set_partial_batches(partial);
        let outcomes = notes.create_each(&new).await;
        assert_eq!(words(&outcomes), ["unknown", "refused", "unknown"]);
        let written = kommo.notes(leads[0]).len();
        assert_eq!(written, 1 + usize::from(partial), "both readings end in the same words");
    }
    assert_eq!(kommo.requests().len(), 4, "no creation is sent twice");
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_rest_undone() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let new: Vec<NewNote> =
        (0..120).map(|number| NewNote::common(lead, format!("{number}"))).collect();
    kommo.fail_next(Fault::status(502).on("POST", "/api/v4/leads/notes").nth(2).applied());
    let outcomes = client(&kommo).notes(EntityType::Leads).create_each(&new).await;
    let words = words(&outcomes);
    assert!(words[..50].iter().all(|word| *word == "done"));
    assert!(words[50..100].iter().all(|word| *word == "unknown"));
    assert!(words[100..].iter().all(|word| *word == "not done"));
    assert_eq!(
        kommo.notes(lead).len(),
        100,
        "the second batch was written although nobody was told"
    );
}

#[tokio::test]
async fn tasks_and_leads_are_made_one_by_one_in_many() {
    let kommo = unlimited().await;
    let leads: Vec<u64> = (0..2).map(|_| kommo.add_lead(FakeLead::new("Acme"))).collect();
    let due = datetime!(2026-12-01 17:00 UTC);
    let tasks = client(&kommo).tasks();
    let new: Vec<NewTask> =
        leads.iter().map(|lead| NewTask::new("Call", due).lead(LeadId::new(*lead))).collect();
    let made: Vec<_> = tasks
        .create_each(&new)
        .await
        .iter()
        .filter_map(|outcome| outcome.done().map(|made| made.id))
        .collect();
    assert_eq!(made.len(), 2);
    let done: Vec<TaskPatch> = made.iter().map(|id| TaskPatch::new(*id).complete("done")).collect();
    let outcomes = tasks.update_each(&done).await;
    assert_eq!(words(&outcomes), ["done", "done"]);
    assert!(leads.iter().all(|lead| kommo.tasks(*lead)[0]["is_completed"] == true));

    let new = [NewLead::new().name("A"), NewLead::new().name("B").responsible_user(UserId::new(1))];
    let outcomes = client(&kommo).leads().create_each(&new).await;
    assert_eq!(words(&outcomes), ["unknown", "refused"]);
    let outcomes = client(&kommo).leads().create_each(&new[..1]).await;
    assert_eq!(words(&outcomes), ["done"]);
}
