//! Room for connections that have not logged in yet.
//!
//! They have a budget of their own, so that silent sockets never take a place of `max_connections`, and
//! each source has a share of it. A new connection is not refused when there is no room: another one
//! goes, so that a flood displaces itself while a client from elsewhere keeps the time it needs, and a
//! client behind the flood's own address only has to be quicker than the flood turns over.
//!
//! - A source at its share loses its oldest connection.
//! - At a full budget the source with most connections loses its oldest; exempt sources come last.

mod source;
mod waiting;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::task::AbortHandle;

use self::source::Source;
use self::waiting::{Entry, Waiting};

/// What [`LoginBudget`] may give out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginLimits {
    /// `max_pending_logins`.
    pub(crate) total: usize,
    /// `max_pending_logins_per_address`.
    pub(crate) per_source: usize,
    /// `pending_logins_exempt_addresses`: not bound by `per_source`.
    pub(crate) exempt: Vec<IpNet>,
}

/// The connections between accept and login.
#[derive(Debug, Default)]
pub(crate) struct LoginBudget {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: Waiting,
}

/// A place in the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct LoginPlace {
    budget: Arc<LoginBudget>,
    source: Source,
    number: u64,
}

/// Names a place without holding it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    source: Source,
    number: u64,
}

/// A connection that had to make room for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evicted {
    pub(crate) peer: SocketAddr,
    /// The setting that would have to be raised to keep it.
    pub(crate) limit: &'static str,
}

impl LoginBudget {
    /// Takes a place for a new connection. If there was none, another connection has been ended for it
    /// and is returned too. The limits are the caller's, so that a reload can change them.
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: SocketAddr,
        limits: &LoginLimits,
    ) -> (LoginPlace, Option<Evicted>) {
        let source = Source::new(peer.ip(), &limits.exempt);
        let mut state = self.lock();
        let displaced = make_room(&mut state.waiting, source, limits);
        let number = state.next;
        state.next += 1;
        state.waiting.insert(source, number, peer);
        drop(state);
        let evicted = displaced.map(|(entry, limit)| {
            abort(entry.task);
            let peer = entry.peer;
            Evicted { peer, limit }
        });
        let place = LoginPlace {
            budget: Arc::clone(self),
            source,
            number,
        };
        (place, evicted)
    }

    /// Names the task to end should the place be taken away. Does nothing if the place has already
    /// been given back.
    pub(crate) fn attach(&self, ticket: Ticket, task: AbortHandle) {
        if let Some(entry) = self.lock().waiting.get_mut(ticket.source, ticket.number) {
            entry.task = Some(task);
        }
    }

    /// Ends all connections that have not logged in.
    pub(crate) fn clear(&self) {
        let entries = self.lock().waiting.drain();
        entries.for_each(|entry| abort(entry.task));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(
    waiting: &mut Waiting,
    source: Source,
    limits: &LoginLimits,
) -> Option<(Entry, &'static str)> {
    if !source.exempt && waiting.len_of(source) >= limits.per_source {
        let entry = waiting.remove_oldest_of(source)?;
        return Some((entry, "max_pending_logins_per_address"));
    }
    if waiting.len() >= limits.total {
        let entry = waiting.remove_first_ranked()?;
        return Some((entry, "max_pending_logins"));
    }
    None
}

fn abort(task: Option<AbortHandle>) {
    if let Some(task) = task {
        task.abort();
    }
}

impl LoginPlace {
    /// For [`LoginBudget::attach`], when the place itself belongs to the task.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            source: self.source,
            number: self.number,
        }
    }

    /// Gives the place back because the client has logged in. From here on the connection cannot be
    /// taken away; `false` if it just was, and its task is about to end.
    pub(crate) fn leave(self) -> bool {
        self.remove()
    }

    fn remove(&self) -> bool {
        let removed = self.budget.lock().waiting.remove(self.source, self.number);
        removed.is_some()
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

    fn limits(total: usize, per_source: usize) -> LoginLimits {
        LoginLimits {
            total,
            per_source,
            exempt: vec!["192.0.2.77/32".parse().unwrap()],
        }
    }

    /// Enters each; says who made room, and by which limit.
    #[track_caller]
    fn check(limits: &LoginLimits, arrivals: &[(&str, Option<(&str, &'static str)>)]) {
        let budget = Arc::new(LoginBudget::default());
        let mut places = Vec::new();
        for (arrival, expected) in arrivals {
            let (place, evicted) = budget.enter(peer(arrival), limits);
            let expected = expected.map(|(text, limit)| Evicted {
                peer: peer(text),
                limit,
            });
            assert_eq!(evicted, expected, "{arrival}");
            places.push(place);
        }
    }

    #[test]
    fn a_place_comes_back_when_dropped() {
        let budget = Arc::new(LoginBudget::default());
        let limits = limits(1, 1);
        let (place, evicted) = budget.enter(peer("192.0.2.1:1"), &limits);
        assert_eq!(evicted, None);
        drop(place);
        let (place, evicted) = budget.enter(peer("192.0.2.1:2"), &limits);
        assert_eq!(evicted, None);
        assert!(place.leave());
        assert_eq!(budget.lock().waiting.len(), 0);
    }

    #[test]
    fn a_source_at_its_share_displaces_itself() {
        let share = "max_pending_logins_per_address";
        check(
            &limits(10, 2),
            &[
                ("198.51.100.9:1", None),
                ("192.0.2.1:1", None),
                ("192.0.2.1:2", None),
                ("192.0.2.1:3", Some(("192.0.2.1:1", share))),
                ("192.0.2.1:4", Some(("192.0.2.1:2", share))),
                ("[2001:db8::1]:1", None),
                ("[2001:db8::2]:1", None),
                ("[2001:db8::3]:1", Some(("[2001:db8::1]:1", share))),
            ],
        );
    }

    #[test]
    fn an_exempt_source_has_no_share_and_goes_last() {
        let total = "max_pending_logins";
        check(
            &limits(4, 1),
            &[
                ("192.0.2.77:1", None),
                ("192.0.2.77:2", None),
                ("192.0.2.77:3", None),
                ("192.0.2.1:1", None),
                ("192.0.2.77:4", Some(("192.0.2.1:1", total))),
                ("192.0.2.77:5", Some(("192.0.2.77:1", total))),
            ],
        );
    }

    #[tokio::test]
    async fn who_makes_room_is_ended() {
        let budget = Arc::new(LoginBudget::default());
        let limits = limits(3, 3);
        let mut places = Vec::new();
        let mut tasks = Vec::new();
        for text in ["198.51.100.9:1", "192.0.2.1:1", "192.0.2.1:2"] {
            let (place, evicted) = budget.enter(peer(text), &limits);
            assert_eq!(evicted, None);
            let task = tokio::spawn(std::future::pending::<()>());
            budget.attach(place.ticket(), task.abort_handle());
            places.push(place);
            tasks.push(task);
        }
        let (_newcomer, evicted) = budget.enter(peer("203.0.113.5:1"), &limits);
        assert_eq!(evicted.unwrap().peer, peer("192.0.2.1:1"));
        assert!(tasks.remove(1).await.unwrap_err().is_cancelled());
        assert!(!places.remove(1).leave());
        // Now every source has one, so the oldest of all goes.
        let (_newcomer, evicted) = budget.enter(peer("203.0.113.6:1"), &limits);
        assert_eq!(evicted.unwrap().peer, peer("198.51.100.9:1"));
        assert!(tasks.remove(0).await.unwrap_err().is_cancelled());
        budget.clear();
        assert!(tasks.remove(0).await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn who_has_logged_in_is_not_taken_away() {
        let budget = Arc::new(LoginBudget::default());
        let limits = limits(1, 1);
        let (place, _) = budget.enter(peer("192.0.2.1:1"), &limits);
        let task = tokio::spawn(std::future::pending::<()>());
        let ticket = place.ticket();
        assert!(place.leave());
        budget.attach(ticket, task.abort_handle());
        let (_next, evicted) = budget.enter(peer("192.0.2.1:2"), &limits);
        assert_eq!(evicted, None);
        assert!(!task.is_finished());
        task.abort();
    }
}
