//! Room for connections that have not logged in yet.
//!
//! They have a budget of their own, so that silent sockets never take a place of `max_connections`.
//! When the budget is full, a new connection is not refused: the oldest waiting one goes, of the
//! address that has most of them. A flood from one address so displaces itself, and a client from
//! elsewhere keeps the time it needs.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::AbortHandle;

/// The connections between accept and login.
#[derive(Debug)]
pub(crate) struct LoginBudget {
    capacity: usize,
    waiting: Mutex<Waiting>,
}

/// Ordered by number, which is the order of arrival.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    peer: SocketAddr,
    /// Known as soon as the connection's task has been spawned.
    task: Option<AbortHandle>,
}

/// A place in the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct LoginPlace {
    budget: Arc<LoginBudget>,
    number: u64,
}

impl LoginBudget {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Mutex::default(),
        }
    }

    /// Takes a place for a new connection. If there was none, another connection has been ended for
    /// it, and its address is returned too.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> (LoginPlace, Option<SocketAddr>) {
        let mut waiting = self.lock();
        let evicted = (waiting.connections.len() >= self.capacity)
            .then(|| waiting.evict_one())
            .flatten();
        let number = waiting.next;
        waiting.next += 1;
        waiting
            .connections
            .insert(number, Entry { peer, task: None });
        drop(waiting);
        let place = LoginPlace {
            budget: Arc::clone(self),
            number,
        };
        (place, evicted)
    }

    /// Names the task to end should the place be taken away. Does nothing if the place has already
    /// been given back.
    pub(crate) fn attach(&self, number: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().connections.get_mut(&number) {
            entry.task = Some(task);
        }
    }

    /// Ends all connections that have not logged in.
    pub(crate) fn clear(&self) {
        let connections = std::mem::take(&mut self.lock().connections);
        for task in connections.into_values().filter_map(|entry| entry.task) {
            task.abort();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn evict_one(&mut self) -> Option<SocketAddr> {
        let mut per_address: HashMap<IpAddr, usize> = HashMap::new();
        for entry in self.connections.values() {
            *per_address.entry(entry.peer.ip()).or_default() += 1;
        }
        let most = per_address.values().max().copied()?;
        let (&number, _) = self
            .connections
            .iter()
            .find(|(_, entry)| per_address.get(&entry.peer.ip()) == Some(&most))?;
        let entry = self.connections.remove(&number)?;
        if let Some(task) = entry.task {
            task.abort();
        }
        Some(entry.peer)
    }
}

impl LoginPlace {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Gives the place back because the client has logged in. From here on the connection cannot be
    /// taken away; `false` if it just was, and its task is about to end.
    pub(crate) fn leave(self) -> bool {
        self.remove()
    }

    fn remove(&self) -> bool {
        self.budget
            .lock()
            .connections
            .remove(&self.number)
            .is_some()
    }
}

impl Drop for LoginPlace {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_comes_back_when_dropped() {
        let budget = Arc::new(LoginBudget::new(1));
        let (place, evicted) = budget.enter(peer("192.0.2.1:1"));
        assert_eq!(evicted, None);
        drop(place);
        let (place, evicted) = budget.enter(peer("192.0.2.1:2"));
        assert_eq!(evicted, None);
        assert!(place.leave());
        assert!(budget.lock().connections.is_empty());
    }

    #[tokio::test]
    async fn the_oldest_of_the_address_with_most_goes_first() {
        let budget = Arc::new(LoginBudget::new(3));
        let mut places = Vec::new();
        let mut tasks = Vec::new();
        for text in ["198.51.100.9:1", "192.0.2.1:1", "192.0.2.1:2"] {
            let (place, evicted) = budget.enter(peer(text));
            assert_eq!(evicted, None);
            let task = tokio::spawn(std::future::pending::<()>());
            budget.attach(place.number(), task.abort_handle());
            places.push(place);
            tasks.push(task);
        }
        let (_newcomer, evicted) = budget.enter(peer("203.0.113.5:1"));
        assert_eq!(evicted, Some(peer("192.0.2.1:1")));
        assert!(tasks.remove(1).await.unwrap_err().is_cancelled());
        assert!(!places.remove(1).leave());
        // Now every address has one, so the oldest of all goes.
        let (_newcomer, evicted) = budget.enter(peer("203.0.113.6:1"));
        assert_eq!(evicted, Some(peer("198.51.100.9:1")));
    }

    #[tokio::test]
    async fn who_has_logged_in_is_not_taken_away() {
        let budget = Arc::new(LoginBudget::new(1));
        let (place, _) = budget.enter(peer("192.0.2.1:1"));
        let task = tokio::spawn(std::future::pending::<()>());
        let number = place.number();
        assert!(place.leave());
        budget.attach(number, task.abort_handle());
        let (_next, evicted) = budget.enter(peer("192.0.2.1:2"));
        assert_eq!(evicted, None);
        assert!(!task.is_finished());
        task.abort();
    }
}
