//! Any body: no panic anywhere, JSON is what `serde_json` takes for JSON, and nothing prints what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use paddle_webhook::{Environment, Event, EventData};
use serde_json::value::RawValue;

fuzz_target!(|body: &[u8]| {
    let Ok(event) = Event::from_trusted(body, Environment::Live) else { return };
    assert_eq!(event.body().as_bytes(), body);
    assert!(serde_json::from_slice::<&RawValue>(body).is_ok(), "the scanner takes what is no JSON");
    assert!(
        serde_json::from_str::<&RawValue>(event.raw_data())
            .is_ok_and(|data| data.get() == event.raw_data())
    );

    match event.data() {
        Ok(EventData::Unknown(unknown)) => assert_eq!(unknown.raw_data(), event.raw_data()),
        Ok(data) => ask(&data),
        Err(error) => {
            assert_eq!(error.event_id(), event.id());
            assert!(error.path().starts_with("data"));
            let _ = format!("{error} {error:?}");
        }
    }
});

fn ask(data: &EventData) {
    let _ = (data.customer_id(), data.subscription_id(), data.transaction_id(), data.updated_at());
    if let Some(custom_data) = data.custom_data() {
        for key in ["", "kommo_lead_id", "a"] {
            let _ = (
                custom_data.get(key),
                custom_data.text(key),
                custom_data.u64(key),
                custom_data.bool(key),
            );
        }
    }
    if let Some(transaction) = data.transaction() {
        let sums = [
            transaction.total(),
            transaction.tax(),
            transaction.net(),
            transaction.fee(),
            transaction.earnings(),
            transaction.adjusted_total(),
            transaction.payout_total(),
            transaction.payout_net(),
            transaction.payout_earnings(),
        ];
        for sum in sums.into_iter().flatten() {
            let _ = (sum.to_string(), sum.to_units());
            let parts = sum.split(&[3, 0, u64::MAX]).unwrap();
            assert_eq!(
                parts.iter().map(|part| i128::from(part.minor())).sum::<i128>(),
                i128::from(sum.minor())
            );
        }
        let _ = (transaction.product_names(), transaction.payment_error());
    }
    if let Some(subscription) = data.subscription() {
        let _ = (
            subscription.product_names(),
            subscription.scheduled_resume(),
            subscription.trial_ends(),
        );
    }
    if let Some(adjustment) = data.adjustment() {
        let _ = (adjustment.net(), adjustment.earnings(), adjustment.is_partial());
    }
}
