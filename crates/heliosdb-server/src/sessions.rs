//! The live sessions, and how the server tells them to end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use crate::counters::{Counters, Traffic, TrafficSnapshot};

/// What the server wants of a session. Orders only ever get stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Go on.
    #[default]
    Run,
    /// End when the client is idle outside a transaction.
    EndWhenIdle,
    /// End at the next message boundary.
    EndNow,
}

impl Order {
    const fn to_code(self) -> u8 {
        match self {
            Self::Run => 0,
            Self::EndWhenIdle => 1,
            Self::EndNow => 2,
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Run,
            1 => Self::EndWhenIdle,
            _ => Self::EndNow,
        }
    }
}

/// All live sessions of a server.
#[derive(Debug, Default)]
pub(crate) struct SessionTable {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// For sessions that begin after the order was given.
    order: Order,
    live: HashMap<u64, Arc<SessionControl>>,
}

/// What the server and one session share. The session's task looks at it whenever it is awake.
#[derive(Debug, Default)]
pub(crate) struct SessionControl {
    order: AtomicU8,
    waker: Mutex<Option<Waker>>,
    pub(crate) traffic: Traffic,
}

/// A session's place in the table; given back when dropped.
#[derive(Debug)]
pub(crate) struct LiveSession {
    table: Arc<SessionTable>,
    counters: Arc<Counters>,
    number: u64,
    control: Arc<SessionControl>,
}

impl SessionTable {
    /// Adds a session, which gets the order that is in force.
    pub(crate) fn begin(self: &Arc<Self>, counters: &Arc<Counters>) -> LiveSession {
        let control = Arc::new(SessionControl::default());
        let mut inner = self.lock();
        control.give(inner.order);
        let number = inner.next;
        inner.next += 1;
        inner.live.insert(number, Arc::clone(&control));
        drop(inner);
        LiveSession {
            table: Arc::clone(self),
            counters: Arc::clone(counters),
            number,
            control,
        }
    }

    /// Gives an order to all sessions, present and future.
    pub(crate) fn order_all(&self, order: Order) {
        let mut inner = self.lock();
        inner.order = inner.order.max(order);
        for control in inner.live.values() {
            control.give(order);
        }
    }

    /// How many sessions are live, and what they have relayed.
    pub(crate) fn snapshot(&self) -> (u64, TrafficSnapshot) {
        let inner = self.lock();
        inner
            .live
            .values()
            .map(|control| (1, control.traffic.snapshot()))
            .fold((0, TrafficSnapshot::default()), |(n, sum), (one, more)| {
                (n + one, sum + more)
            })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionControl {
    /// The strongest order so far.
    pub(crate) fn order(&self) -> Order {
        Order::from_code(self.order.load(Ordering::Acquire))
    }

    /// Has the task woken when the next order comes. `registered` is the caller's memory of the
    /// waker it left here before, so that a task that is polled a million times registers once.
    pub(crate) fn register(&self, cx: &Context<'_>, registered: &mut Option<Waker>) {
        if registered
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            return;
        }
        *self.lock_waker() = Some(cx.waker().clone());
        *registered = Some(cx.waker().clone());
    }

    /// Gives an order and wakes the task. The order is stored before the waker is looked for and
    /// the task reads the order after it has registered, so none is missed.
    fn give(&self, order: Order) {
        self.order.fetch_max(order.to_code(), Ordering::AcqRel);
        if let Some(waker) = self.lock_waker().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn lock_waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveSession {
    pub(crate) fn control(&self) -> &Arc<SessionControl> {
        &self.control
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let mut inner = self.table.lock();
        inner.live.remove(&self.number);
        // Under the lock, so that no snapshot counts the session twice or not at all.
        self.counters.ended.add(self.control.traffic.snapshot());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_reaches_present_and_future_sessions_and_never_weakens() {
        let (table, counters) = (Arc::new(SessionTable::default()), Arc::default());
        let early = table.begin(&counters);
        assert_eq!(early.control().order(), Order::Run);
        table.order_all(Order::EndNow);
        table.order_all(Order::EndWhenIdle);
        let late = table.begin(&counters);
        assert_eq!(early.control().order(), Order::EndNow);
        assert_eq!(late.control().order(), Order::EndNow);
    }

    #[test]
    fn traffic_survives_the_session() {
        let (table, counters) = (Arc::new(SessionTable::default()), Arc::default());
        let session = table.begin(&counters);
        session.control().traffic.bytes_to_client.add(7);
        let (live, traffic) = table.snapshot();
        assert_eq!(counters.snapshot(live, traffic).traffic.bytes_to_clients, 7);
        assert_eq!(live, 1);
        drop(session);
        let (live, traffic) = table.snapshot();
        assert_eq!(counters.snapshot(live, traffic).traffic.bytes_to_clients, 7);
        assert_eq!(live, 0);
    }

    #[tokio::test]
    async fn an_order_wakes_the_task() {
        let (table, counters) = (Arc::new(SessionTable::default()), Arc::default());
        let session = table.begin(&counters);
        let control = Arc::clone(session.control());
        let mut registered = None;
        let waits = tokio::spawn(std::future::poll_fn(move |cx| {
            control.register(cx, &mut registered);
            match control.order() {
                Order::Run => std::task::Poll::Pending,
                order => std::task::Poll::Ready(order),
            }
        }));
        tokio::task::yield_now().await;
        table.order_all(Order::EndWhenIdle);
        assert_eq!(waits.await.unwrap(), Order::EndWhenIdle);
    }
}
