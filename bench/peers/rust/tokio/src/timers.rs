// SPDX-License-Identifier: Apache-2.0
//! Timers, sleepers, and what a parked task takes.

use std::future::{poll_fn, Future};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::measure::Sample;

pub async fn arm_cancel(others: u64, n: u64) -> Sample {
    let mut armed = Vec::new();
    for i in 0..others {
        armed.push(Box::pin(sleep(Duration::from_secs(1_000 + i * 7_919 % 10_000))));
    }
    let mut checksum = 0;
    // A sleep is armed when it is first polled.
    poll_fn(|cx| {
        for other in &mut armed {
            assert!(other.as_mut().poll(cx).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    let start = Instant::now();
    for _ in 0..n {
        let timer = sleep(Duration::from_secs(5_000));
        tokio::pin!(timer);
        poll_fn(|cx| {
            checksum += u64::from(timer.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    Sample::ns(start, n, checksum)
}

/// Of all threads of the process, in ns.
fn cpu_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("/proc/self/schedstat");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number of ns")
}

pub async fn sleepers(tasks: u64, n: u64) -> Sample {
    let each = n.div_ceil(tasks);
    let start = cpu_ns();
    let mut handles = Vec::new();
    for _ in 0..tasks {
        handles.push(tokio::spawn(async move {
            let mut slept = 0;
            for _ in 0..each {
                sleep(Duration::from_millis(1)).await;
                slept += 1;
            }
            slept
        }));
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("a number");
    }
    Sample { total: cpu_ns() - start, unit: "cpu-ns", operations: tasks * each, checksum: sum }
}

fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("/proc/self/statm");
    let pages: f64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096.0
}

pub async fn parked(tasks: u64) -> Sample {
    let wake = Arc::new(Notify::new());
    let before = resident_bytes();
    let mut handles = Vec::new();
    for _ in 0..tasks {
        let wake = wake.clone();
        handles.push(tokio::spawn(async move {
            wake.notified().await;
            1
        }));
    }
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    let total = resident_bytes() - before;
    wake.notify_waiters();
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("a number");
    }
    Sample { total, unit: "bytes", operations: tasks, checksum: sum }
}
