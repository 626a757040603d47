// SPDX-License-Identifier: Apache-2.0
//! Yields, joins, channels, a mutex and skynet.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, Mutex};
use tokio::task::yield_now;

use crate::measure::Sample;

/// One thread writes it: a load and a store are enough.
fn count(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

pub async fn yields(tasks: u64, n: u64) -> Sample {
    let done = Arc::new(AtomicBool::new(false));
    let yields = Arc::new(AtomicU64::new(0));
    for _ in 1..tasks {
        let (done, yields) = (done.clone(), yields.clone());
        tokio::spawn(async move {
            while !done.load(Relaxed) {
                count(&yields);
                yield_now().await;
            }
        });
    }
    yield_now().await;
    let before = yields.load(Relaxed);
    let start = Instant::now();
    for _ in 0..n.div_ceil(tasks) {
        count(&yields);
        yield_now().await;
    }
    let made = yields.load(Relaxed) - before;
    let sample = Sample::ns(start, made, made);
    done.store(true, Relaxed);
    sample
}

pub async fn spawn_join_pooled(n: u64) -> Sample {
    static RAN: AtomicU64 = AtomicU64::new(0);
    RAN.store(0, Relaxed);
    let start = Instant::now();
    for _ in 0..n {
        tokio::spawn(async { count(&RAN) }).await.expect("its end");
    }
    Sample::ns(start, n, RAN.load(Relaxed))
}

pub async fn spawn_join(n: u64) -> Sample {
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::spawn(async { 1 }).await.expect("a result");
    }
    Sample::ns(start, n, sum)
}

pub async fn round_trips(n: u64) -> Sample {
    let (there, mut there_end) = mpsc::channel::<u64>(1);
    let (back, mut back_end) = mpsc::channel::<u64>(1);
    tokio::spawn(async move {
        while let Some(value) = there_end.recv().await {
            back.send(value).await.expect("a receiver");
        }
    });
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..n {
        there.send(1).await.expect("a receiver");
        sum += back_end.recv().await.expect("a value");
    }
    Sample::ns(start, n, sum)
}

async fn lock_and_yield(mutex: Arc<Mutex<u64>>, n: u64) {
    loop {
        let mut locks = mutex.lock().await;
        if *locks >= n {
            return;
        }
        *locks += 1;
        yield_now().await;
    }
}

pub async fn mutex_hand_offs(n: u64) -> Sample {
    let mutex = Arc::new(Mutex::new(0));
    let start = Instant::now();
    let other = tokio::spawn(lock_and_yield(mutex.clone(), n));
    lock_and_yield(mutex.clone(), n).await;
    other.await.expect("the other task");
    let locks = *mutex.lock().await;
    Sample::ns(start, locks, locks)
}

type Senders = Vec<mpsc::Sender<u64>>;
type Receivers = Vec<mpsc::Receiver<u64>>;

fn channels(count: usize) -> (Senders, Receivers) {
    (0..count).map(|_| mpsc::channel::<u64>(1)).unzip()
}

async fn send_in_turn(senders: Senders, n: u64) {
    for i in 0..n {
        senders[i as usize % senders.len()].send(1).await.expect("a receiver");
    }
    // The channels stay open: a closed one would be ready in every select.
    std::future::pending::<()>().await;
}

pub async fn select_of_2(n: u64) -> Sample {
    let (senders, mut r) = channels(2);
    tokio::spawn(send_in_turn(senders, n));
    let [a, b] = &mut r[..] else { unreachable!() };
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::select! {
            v = a.recv() => v.expect("a value"),
            v = b.recv() => v.expect("a value"),
        };
    }
    Sample::ns(start, n, sum)
}

pub async fn select_of_10(n: u64) -> Sample {
    let (senders, mut r) = channels(10);
    tokio::spawn(send_in_turn(senders, n));
    let [a, b, c, d, e, f, g, h, i, j] = &mut r[..] else { unreachable!() };
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::select! {
            v = a.recv() => v.expect("a value"),
            v = b.recv() => v.expect("a value"),
            v = c.recv() => v.expect("a value"),
            v = d.recv() => v.expect("a value"),
            v = e.recv() => v.expect("a value"),
            v = f.recv() => v.expect("a value"),
            v = g.recv() => v.expect("a value"),
            v = h.recv() => v.expect("a value"),
            v = i.recv() => v.expect("a value"),
            v = j.recv() => v.expect("a value"),
        };
    }
    Sample::ns(start, n, sum)
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

fn skynet(up: mpsc::Sender<u64>, number: u64, leaves: u64) -> Boxed {
    Box::pin(async move {
        if leaves == 1 {
            up.send(number).await.expect("a receiver");
            return;
        }
        let (down, mut sums) = mpsc::channel(10);
        for i in 0..10 {
            tokio::spawn(skynet(down.clone(), number + i * leaves / 10, leaves / 10));
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += sums.recv().await.expect("a sum");
        }
        up.send(sum).await.expect("a receiver");
    })
}

pub async fn skynets(leaves: u64, n: u64) -> Sample {
    let rounds = n.div_ceil(leaves);
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..rounds {
        let (up, mut result) = mpsc::channel(1);
        tokio::spawn(skynet(up, 0, leaves));
        sum += result.recv().await.expect("a sum");
    }
    Sample::ns(start, rounds * leaves, sum)
}
