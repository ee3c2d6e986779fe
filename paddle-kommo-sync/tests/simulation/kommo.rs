//! Kommo on a bad day.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use kommo_client::fake::{FakeKommo, FakeLead, Fault};
use tokio::time::{Instant, sleep};

use crate::story::Chance;

const PIPELINE: u64 = 6_950_551;
const NEGOTIATION: u64 = 58_141_811;

/// An account with these deals.
pub(crate) fn account(leads: &[u64]) -> FakeKommo {
    let kommo = FakeKommo::in_memory();
    kommo.add_paddle_fields();
    for lead in leads {
        kommo.add_lead(FakeLead::new("Acme").id(*lead).stage(PIPELINE, NEGOTIATION));
    }
    kommo
}

/// From now on, until `ends`, it fails by chance. Counts the faults.
pub(crate) fn misbehave(kommo: &FakeKommo, seed: u64, ends: Instant) -> Arc<Mutex<u64>> {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let account = kommo.clone();
    let mut chance = Chance::new(seed);
    kommo.fail_when(move |method, _, _| {
        if Instant::now() >= ends {
            return None;
        }
        let fault = match chance.below(60) {
            0 => Fault::status(500),
            1 => Fault::status(502).applied(),
            2 => Fault::status(504).applied(),
            3 => Fault::hang(Duration::from_secs(60)),
            4 => Fault::hang(Duration::from_secs(60)).applied(),
            5 if method != "GET" => {
                // It becomes true later, but before the time is over after which it is looked for.
                let account = account.clone();
                let later = Duration::from_secs(chance.below(55) as u64);
                tokio::spawn(async move {
                    sleep(later).await;
                    account.apply_held();
                });
                Fault::hang(Duration::from_secs(60)).applied_later()
            }
            6 => Fault::drop_connection(),
            7 => Fault::drop_connection().applied(),
            8 => Fault::truncated(),
            9 => Fault::unreachable(),
            10 => Fault::too_many_requests(),
            11 => Fault::too_many_requests().retry_after("20"),
            12 => Fault::html(200),
            13 => Fault::html(200).applied(),
            // Slow, but in time.
            14..=20 => Fault::hang(Duration::from_millis(chance.below(15_000) as u64)).applied(),
            21 if chance.below(8) == 0 => {
                account_blocks(&account);
                Fault::block()
            }
            22 if chance.below(4) == 0 => {
                account_refuses_the_token(&account);
                Fault::status(401)
            }
            _ => return None,
        };
        *counted.lock().unwrap() += 1;
        Some(fault)
    });
    count
}

fn account_blocks(account: &FakeKommo) {
    let account = account.clone();
    // The state is locked while chance is asked.
    tokio::spawn(async move {
        account.block();
        sleep(Duration::from_secs(240)).await;
        account.unblock();
    });
}

fn account_refuses_the_token(account: &FakeKommo) {
    let account = account.clone();
    tokio::spawn(async move {
        account.set_token_valid(false);
        sleep(Duration::from_secs(150)).await;
        account.set_token_valid(true);
    });
}
