use super::*;

fn references(lead: LeadReference) -> References {
    let text = |id: &str| Some(id.to_owned());
    References {
        lead,
        signed: None,
        first_paid_at: None,
        transaction: text("txn_1"),
        subscription: text("sub_1"),
        customer: text("ctm_1"),
        source: Source::Event,
    }
}

const EVERYTHING: Trust<'_> =
    Trust { keys: &[], account: None, unsigned: UnsignedLinks::ConfirmByEmail };

fn row(entity: &str, lead: u64, rung: Rung) -> LinkRow {
    crate::store::link(entity, LeadId::new(lead), rung.as_str())
}

#[test]
fn the_first_rung_that_answers_wins() {
    let learned = [
        row("ctm_1", 5, Rung::Email),
        row("sub_1", 4, Rung::LeadId),
        row("txn_1", 3, Rung::LeadId),
    ];
    let sale = [row("txn_1", 1, Rung::Person), row("sub_1", 6, Rung::Person)];
    let of_customer = [
        row("ctm_1", 5, Rung::LeadId),
        row("ctm_1", 7, Rung::Person),
        row("sub_1", 4, Rung::LeadId),
    ];
    let named = LeadReference::Lead(LeadId::new(2));
    for (name, lead, links, want) in [
        ("a person, of the sale", named, &sale[..], Rungs::Found(LeadId::new(1), Rung::Person)),
        (
            "a person, of the subscription",
            named,
            &sale[1..],
            Rungs::Found(LeadId::new(6), Rung::Person),
        ),
        (
            "the id in the event, whatever a person said of the customer",
            named,
            &of_customer,
            Rungs::Found(LeadId::new(2), Rung::LeadId),
        ),
        (
            "the subscription, whatever a person said of the customer",
            LeadReference::Absent,
            &of_customer,
            Rungs::Found(LeadId::new(4), Rung::Subscription),
        ),
        (
            "a person, of a customer with several deals",
            LeadReference::Absent,
            &of_customer[..2],
            Rungs::Found(LeadId::new(7), Rung::Customer),
        ),
        ("the id in the event", named, &learned, Rungs::Found(LeadId::new(2), Rung::LeadId)),
        (
            "the transaction",
            LeadReference::Absent,
            &learned,
            Rungs::Found(LeadId::new(3), Rung::Transaction),
        ),
        (
            "the subscription",
            LeadReference::Absent,
            &learned[..2],
            Rungs::Found(LeadId::new(4), Rung::Subscription),
        ),
        (
            "the customer",
            LeadReference::Absent,
            &learned[..1],
            Rungs::Found(LeadId::new(5), Rung::Customer),
        ),
        ("nobody", LeadReference::Absent, &[], Rungs::Silent),
    ] {
        assert_eq!(references(lead).answer(links, EVERYTHING), want, "{name}");
    }
}

#[test]
fn several_deals_of_one_customer_are_candidates() {
    let links = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
    let Rungs::Parked(parked) = references(LeadReference::Absent).answer(&links, EVERYTHING) else {
        panic!("not parked")
    };
    assert_eq!(parked.reason, ParkReason::AmbiguousDeal);
    assert_eq!(parked.candidates, [LeadId::new(5), LeadId::new(6)]);
}

#[test]
fn an_unreadable_id_is_not_replaced_by_a_guess() {
    let links = [row("txn_1", 3, Rung::LeadId)];
    let Rungs::Parked(parked) = references(LeadReference::Unreadable).answer(&links, EVERYTHING)
    else {
        panic!("not parked")
    };
    assert_eq!(parked.reason, ParkReason::LeadIdUnreadable);
}

#[test]
fn with_keys_an_unsigned_id_is_only_a_hint() {
    let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
    let trust = |unsigned| Trust { keys: &keys, account: Some(AccountId::new(31)), unsigned };
    let named = || references(LeadReference::Lead(LeadId::new(2)));
    let by_customer = [row("ctm_1", 5, Rung::Signed)];
    let by_person = [row("ctm_1", 5, Rung::Person)];
    let by_transaction = [row("txn_1", 6, Rung::Signed)];
    assert_eq!(
        named().answer(&[], trust(UnsignedLinks::Accept)),
        Rungs::Found(LeadId::new(2), Rung::LeadId)
    );
    for customer in [&by_customer, &by_person] {
        assert_eq!(
            named().answer(customer, trust(UnsignedLinks::ConfirmByEmail)),
            Rungs::Confirm(LeadId::new(2))
        );
    }
    assert_eq!(
        named().answer(&by_transaction, trust(UnsignedLinks::ConfirmByEmail)),
        Rungs::Found(LeadId::new(6), Rung::Transaction)
    );
    let Rungs::Parked(parked) = named().answer(&[], trust(UnsignedLinks::Park)) else {
        panic!("not parked")
    };
    assert_eq!(
        (parked.reason, parked.candidates),
        (ParkReason::LinkNotConfirmed, vec![LeadId::new(2)])
    );
}

#[test]
fn a_signed_reference_counts_more_than_any_number() {
    let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
    let end = time::macros::datetime!(2026-03-01 00:00 UTC);
    let reference = DealRef::new(LeadId::new(9), AccountId::new(31)).expires(end);
    let signed = |first_paid_at| References {
        signed: Some(reference.sign(&keys[0])),
        first_paid_at,
        ..references(LeadReference::Lead(LeadId::new(2)))
    };
    let trust = |account| Trust {
        keys: &keys,
        account: Some(AccountId::new(account)),
        unsigned: UnsignedLinks::Accept,
    };
    let found = Rungs::Found(LeadId::new(9), Rung::Signed);
    assert_eq!(
        signed(Some(end.saturating_sub(time::Duration::SECOND))).answer(&[], trust(31)),
        found
    );
    assert_eq!(signed(None).answer(&[], trust(31)), found, "a renewal after its end");
    let mut forged = signed(None);
    forged.signed = forged.signed.map(|text| text.replace("k1.9.", "k1.8."));
    for (name, answer) in [
        ("expired", signed(Some(end)).answer(&[], trust(31))),
        ("another account's", signed(None).answer(&[], trust(32))),
        ("forged", forged.answer(&[], trust(31))),
    ] {
        let Rungs::Parked(parked) = answer else { panic!("{name} is not parked") };
        assert_eq!(parked.reason, ParkReason::DealRefInvalid, "{name}");
    }
    assert_eq!(
        forged.answer(&[], EVERYTHING),
        Rungs::Found(LeadId::new(2), Rung::LeadId),
        "without keys"
    );
}

#[test]
fn paddle_is_asked_of_a_transaction_that_nobody_has_told_of() {
    let adjustment = || References { source: Source::Nobody, ..references(LeadReference::Absent) };
    let answer = |links: &[LinkRow]| adjustment().answer(links, EVERYTHING);
    let ambiguous = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
    for (name, references, links, want) in [
        ("nobody", adjustment(), &[][..], Some("txn_1")),
        ("the customer, of two deals", adjustment(), &ambiguous, Some("txn_1")),
        ("the customer", adjustment(), &ambiguous[..1], None),
        ("the event is the transaction's", references(LeadReference::Absent), &[], None),
        ("no transaction", References { transaction: None, ..adjustment() }, &[], None),
    ] {
        assert_eq!(references.to_look_up(&answer(links)), want, "{name}");
    }
}

#[test]
fn what_paddle_says_of_a_transaction_is_a_rung_of_its_own() {
    let adjustment = References {
        source: Source::Nobody,
        subscription: None,
        ..references(LeadReference::Absent)
    };
    let said = TransactionReferences {
        custom_data: serde_json::from_str(r#"{"kommo_lead_id": "2"}"#).unwrap(),
        subscription_id: Some("sub_9".into()),
        customer_id: Some("ctm_9".into()),
    };
    let links = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
    let asked = adjustment.looked_up(&said);
    assert_eq!(asked.answer(&links, EVERYTHING), Rungs::Found(LeadId::new(2), Rung::Lookup));
    assert_eq!(asked.entities(), ["txn_1", "sub_9", "ctm_1"], "the event's own word first");
    let person = [row("txn_1", 1, Rung::Person)];
    assert_eq!(asked.answer(&person, EVERYTHING), Rungs::Found(LeadId::new(1), Rung::Person));
    assert_eq!(asked.to_look_up(&Rungs::Silent), None, "once");
    let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
    let trust = Trust { keys: &keys, ..EVERYTHING };
    assert_eq!(asked.answer(&[], trust), Rungs::Confirm(LeadId::new(2)), "it is unsigned");
}

#[test]
fn what_has_no_deal_and_no_customer_has_a_lane_of_its_own() {
    let nothing = References {
        transaction: None,
        subscription: None,
        customer: None,
        ..references(LeadReference::Absent)
    };
    let lane = |references: References| references.lane(&[], EVERYTHING, "evt_1");
    assert_eq!(lane(nothing), "evt_1");
    assert_eq!(lane(references(LeadReference::Absent)), "ctm_1");
    assert_eq!(lane(references(LeadReference::Lead(LeadId::new(7)))), "lead:7");
}

#[test]
fn what_paddle_says_of_the_transaction_fills_what_the_event_leaves_out() {
    let said = TransactionReferences {
        custom_data: serde_json::from_value(
            serde_json::json!({"kommo_lead_id": "5", "kommo_ref": "a reference"}),
        )
        .unwrap(),
        subscription_id: Some("sub_said".into()),
        customer_id: Some("ctm_said".into()),
    };
    let bare = References {
        subscription: None,
        customer: None,
        source: Source::Nobody,
        ..references(LeadReference::Absent)
    };
    let text = |id: &str| Some(id.to_owned());
    let whole = References {
        lead: LeadReference::Lead(LeadId::new(5)),
        signed: text("a reference"),
        subscription: text("sub_said"),
        customer: text("ctm_said"),
        source: Source::Lookup,
        ..bare.clone()
    };
    assert_eq!(bare.clone().looked_up(&said), whole);
    let own = References { source: Source::Nobody, ..references(LeadReference::Absent) };
    let kept = References { subscription: text("sub_1"), customer: text("ctm_1"), ..whole };
    assert_eq!(own.looked_up(&said), kept);
    let empty = TransactionReferences {
        subscription_id: Some("".into()),
        customer_id: Some("".into()),
        ..TransactionReferences::default()
    };
    let nothing = bare.looked_up(&empty);
    assert_eq!((nothing.subscription, nothing.customer), (None, None));
}
