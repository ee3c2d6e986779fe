use std::collections::VecDeque;

use super::*;

fn limiter(requests_per_second: u32) -> Limiter {
    Limiter::new(NonZeroU32::new(requests_per_second).unwrap(), Duration::from_secs(30))
}

/// Clones that backfill, clones that do not, and now and then a renewal of the token, which goes first.
fn priority(index: u64) -> Priority {
    match index % 5 {
        0 => Priority::High,
        1 | 2 => Priority::Low,
        _ => Priority::Normal,
    }
}

/// Sends `count` requests at once; the n-th takes `latency(n)`. Gives (sent, answered), in the order of sending.
async fn trace(
    limiter: &Limiter,
    count: u64,
    latency: fn(u64) -> Duration,
) -> Vec<(Instant, Instant)> {
    let tasks: Vec<_> = (0..count)
        .map(|index| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let permit = limiter.acquire(priority(index)).await.unwrap();
                let sent = Instant::now();
                tokio::time::sleep(latency(index)).await;
                drop(permit);
                (sent, Instant::now())
            })
        })
        .collect();
    let mut trace = Vec::new();
    for task in tasks {
        trace.push(task.await.unwrap());
    }
    trace.sort();
    trace
}

#[tokio::test(start_paused = true)]
async fn no_second_sees_more_than_the_limit() {
    for (name, latency) in [
        ("at once", (|_| Duration::ZERO) as fn(u64) -> Duration),
        ("steady", |_| Duration::from_millis(120)),
        ("uneven", |index| Duration::from_millis((index.wrapping_mul(2_654_435_761) % 900) + 1)),
        ("slow first", |index| Duration::from_millis(if index == 0 { 3_000 } else { 5 })),
        ("slow", |index| Duration::from_millis(800 + index % 5 * 100)),
    ] {
        let trace = trace(&limiter(7), 60, latency).await;
        for (sent, _) in &trace {
            // One that was answered within a second arrived when it was sent; any other at any time until its answer.
            let last_arrival = |(other, answered): &(Instant, Instant)| {
                let slow = *answered - *other > Duration::from_secs(1);
                if slow { *answered } else { *other }
            };
            let share = |other: &&(Instant, Instant)| {
                other.0 <= *sent && last_arrival(other) + Duration::from_secs(1) >= *sent
            };
            let sharing = trace.iter().filter(share).count();
            assert!(sharing <= 7, "{name}: {sharing} may arrive in one second");
        }
        for start in &trace {
            let end = start.0 + Duration::from_secs(1);
            let within = trace.iter().filter(|sent| (start.0..=end).contains(&sent.0)).count();
            assert!(within <= 7, "{name}: {within} in one second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sends_are_evenly_spaced() {
    for latency in [(|_| Duration::ZERO) as fn(u64) -> Duration, |_| Duration::from_millis(900)] {
        let started = Instant::now();
        let trace = trace(&limiter(7), 30, latency).await;
        for pair in trace.windows(2) {
            let gap = pair[1].0 - pair[0].0;
            assert!((148..=149).contains(&gap.as_millis()), "{gap:?}");
        }
        // Answers within a second cost no throughput: the places never bind before the spacing does.
        let whole = trace[29].0 - started;
        assert!(whole <= Duration::from_millis(29 * 149), "{whole:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_taken_late_makes_no_other_late_and_none_bunch_up() {
    let limiter = limiter(7);
    let started = Instant::now();
    // When each is asked for, and when the one after it has its turn.
    for (asked, next) in [(0, 148), (153, 297), (301, 445), (1_446, 1_594), (1_596, 1_743)] {
        tokio::time::sleep_until(started + Duration::from_millis(asked)).await;
        drop(limiter.acquire(Priority::Normal).await.unwrap());
        assert_eq!(started.elapsed().as_millis(), u128::from(asked), "it had its turn by then");
        let turn = limiter.0.state().next_send - started;
        assert_eq!(turn.as_millis(), next, "after {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_fit_a_window() {
    let limiter = limiter(2);
    let first = limiter.acquire(Priority::Normal).await.unwrap();
    let _second = limiter.acquire(Priority::Normal).await.unwrap();
    let third = limiter.acquire(Priority::Normal);
    assert!(tokio::time::timeout(Duration::from_secs(60), third).await.is_err());
    drop(first);
    let started = Instant::now();
    let _third = limiter.acquire(Priority::Normal).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_equals_in_order() {
    let limiter = limiter(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let held = limiter.acquire(Priority::Normal).await.unwrap();
    let mut tasks = Vec::new();
    for (name, priority) in [
        ("low", Priority::Low),
        ("normal 1", Priority::Normal),
        ("normal 2", Priority::Normal),
        ("high", Priority::High),
    ] {
        let (limiter, order) = (limiter.clone(), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let _permit = limiter.acquire(priority).await.unwrap();
            order.lock().unwrap().push(name);
        }));
        tokio::task::yield_now().await;
    }
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["high", "normal 1", "normal 2", "low"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_does_not_hold_up_the_queue() {
    let limiter = limiter(7);
    let _first = limiter.acquire(Priority::Normal).await.unwrap();
    let gone = limiter.acquire(Priority::High);
    assert!(tokio::time::timeout(Duration::from_millis(1), gone).await.is_err());
    let started = Instant::now();
    let _second = limiter.acquire(Priority::Low).await.unwrap();
    assert!(started.elapsed() <= Duration::from_millis(155));
}

#[tokio::test(start_paused = true)]
async fn k01_a_pause_holds_everybody_and_ends_by_itself() {
    let limiter = limiter(7);
    let started = Instant::now();
    let permit = limiter.acquire(Priority::Normal).await.unwrap();
    permit.learn(Verdict::TooFast(Some(Duration::from_secs(20))));
    drop(permit);
    let trace = trace(&limiter, 10, |_| Duration::from_millis(50)).await;
    assert!(trace[0].0 - started >= Duration::from_secs(20));
    assert!(trace[0].0 - started <= Duration::from_secs(21));
    for pair in trace.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(297), "half the pace");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_is_not_waited_for() {
    let limiter = limiter(7);
    let permit = limiter.acquire(Priority::Normal).await.unwrap();
    let waiting = {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.acquire(Priority::Normal).await.map(drop) })
    };
    tokio::task::yield_now().await;
    let started = Instant::now();
    permit.learn(Verdict::TooFast(Some(Duration::from_secs(600))));
    let Err(Refusal::Paused(wait)) = waiting.await.unwrap() else { panic!() };
    assert!(wait >= Duration::from_secs(600) && wait <= Duration::from_secs(601), "{wait:?}");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn k05_a_block_fails_everybody_at_once_but_the_probe() {
    let limiter = limiter(7);
    let permit = limiter.acquire(Priority::Normal).await.unwrap();
    permit.learn(Verdict::Blocked);
    drop(permit);
    let mut probes = 0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2 * 3_600) {
        // 5, 15, 35 and 75 minutes after the block, and never two at once.
        match limiter.acquire(Priority::Normal).await {
            Ok(permit) => {
                probes += 1;
                let Err(Refusal::Blocked(_)) = limiter.acquire(Priority::High).await else {
                    panic!()
                };
                permit.learn(Verdict::Blocked);
            }
            Err(Refusal::Blocked(wait)) => assert!(wait <= Duration::from_secs(3_600)),
            Err(Refusal::Paused(_)) => panic!(),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(probes, 4);
}

#[tokio::test(start_paused = true)]
async fn k36_a_noisy_neighbour_slows_us_down_and_does_not_stop_us() {
    let limiter = limiter(7);
    let started = Instant::now();
    let mut taken = VecDeque::new();
    let (mut done, mut refused) = (0, 0);
    while done < 100 {
        let permit = limiter.acquire(Priority::Normal).await.unwrap();
        let now = Instant::now();
        // Somebody else asks six times a second; Kommo counts both together.
        taken.retain(|sent: &Instant| now.duration_since(*sent) < Duration::from_secs(1));
        let verdict = if taken.is_empty() {
            taken.push_back(now);
            done += 1;
            Verdict::Heard
        } else {
            refused += 1;
            Verdict::TooFast(None)
        };
        permit.learn(verdict);
    }
    assert!(refused <= 30, "{refused} refused");
    assert!(started.elapsed() < Duration::from_secs(300), "{:?}", started.elapsed());
}
