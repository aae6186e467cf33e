//! Who waits for login, and who would make room. No I/O, no clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use tokio::task::AbortHandle;

use super::source::Source;

/// The waiting connections by source, and the sources in the order in which they make room.
///
/// Every operation costs the logarithm of the number of connections, however full it is: an attacker
/// decides how often they run.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    sources: HashMap<Source, BTreeMap<u64, Entry>>,
    ranking: BTreeSet<(Rank, Source)>,
    count: usize,
}

/// A waiting connection.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) peer: SocketAddr,
    /// Known as soon as the connection's task has been spawned.
    pub(super) task: Option<AbortHandle>,
}

/// The greatest makes room: ordinary before exempt sources, the one with most connections, and among
/// equals the one whose oldest connection is older. Numbers grow with the order of arrival.
type Rank = (Reverse<bool>, usize, Reverse<u64>);

impl Waiting {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// How many connections of this source wait.
    pub(super) fn len_of(&self, source: Source) -> usize {
        self.sources.get(&source).map_or(0, BTreeMap::len)
    }

    /// Adds a connection; `number` must be greater than that of every other.
    pub(super) fn insert(&mut self, source: Source, number: u64, peer: SocketAddr) {
        let entry = Entry { peer, task: None };
        self.change(source, |connections| connections.insert(number, entry));
        self.count += 1;
    }

    pub(super) fn get_mut(&mut self, source: Source, number: u64) -> Option<&mut Entry> {
        self.sources.get_mut(&source)?.get_mut(&number)
    }

    pub(super) fn remove(&mut self, source: Source, number: u64) -> Option<Entry> {
        let removed = self.change(source, |connections| connections.remove(&number));
        self.count -= usize::from(removed.is_some());
        removed
    }

    /// Removes the oldest connection of the source.
    pub(super) fn remove_oldest_of(&mut self, source: Source) -> Option<Entry> {
        let (&number, _) = self.sources.get(&source)?.first_key_value()?;
        self.remove(source, number)
    }

    /// Removes the oldest connection of the source that makes room first.
    pub(super) fn remove_first_ranked(&mut self) -> Option<Entry> {
        let (_, source) = *self.ranking.last()?;
        self.remove_oldest_of(source)
    }

    /// Removes all.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> + use<> {
        let all = std::mem::take(self);
        all.sources.into_values().flat_map(BTreeMap::into_values)
    }

    /// Changes a source's connections and keeps the ranking true.
    fn change<T>(
        &mut self,
        source: Source,
        change: impl FnOnce(&mut BTreeMap<u64, Entry>) -> T,
    ) -> T {
        let connections = self.sources.entry(source).or_default();
        if let Some(rank) = rank(source, connections) {
            self.ranking.remove(&(rank, source));
        }
        let result = change(connections);
        match rank(source, connections) {
            Some(rank) => {
                self.ranking.insert((rank, source));
            }
            None => {
                self.sources.remove(&source);
            }
        }
        result
    }
}

/// `None` for a source without connections.
fn rank(source: Source, connections: &BTreeMap<u64, Entry>) -> Option<Rank> {
    let (&oldest, _) = connections.first_key_value()?;
    Some((Reverse(source.exempt), connections.len(), Reverse(oldest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts one connection per text; returns the order in which all of them make room.
    fn order(peers: &[&str]) -> Vec<String> {
        let exempt = ["192.0.2.0/24".parse().unwrap()];
        let mut waiting = Waiting::default();
        for (number, text) in (0..).zip(peers) {
            let peer: SocketAddr = text.parse().unwrap();
            waiting.insert(Source::new(peer.ip(), &exempt), number, peer);
        }
        assert_eq!(waiting.len(), peers.len());
        let order: Vec<String> = std::iter::from_fn(|| waiting.remove_first_ranked())
            .map(|entry| entry.peer.to_string())
            .collect();
        assert_eq!(waiting.len(), 0);
        assert!(waiting.sources.is_empty() && waiting.ranking.is_empty());
        order
    }

    #[test]
    fn the_oldest_of_the_source_with_most_makes_room() {
        assert_eq!(
            order(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.2:2", "10.0.0.2:3"]),
            ["10.0.0.2:1", "10.0.0.2:2", "10.0.0.1:1", "10.0.0.2:3"]
        );
        assert_eq!(
            order(&["[2001:db8::1]:1", "10.0.0.1:1", "[2001:db8::2]:1"]),
            ["[2001:db8::1]:1", "10.0.0.1:1", "[2001:db8::2]:1"]
        );
    }

    #[test]
    fn exempt_sources_are_the_last() {
        assert_eq!(
            order(&["192.0.2.1:1", "192.0.2.1:2", "10.0.0.1:1"]),
            ["10.0.0.1:1", "192.0.2.1:1", "192.0.2.1:2"]
        );
    }

    #[test]
    fn what_is_not_there_changes_nothing() {
        let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let source = Source::new(peer.ip(), &[]);
        let mut waiting = Waiting::default();
        assert!(waiting.remove(source, 0).is_none());
        assert!(waiting.remove_oldest_of(source).is_none());
        waiting.insert(source, 0, peer);
        assert!(waiting.remove(source, 1).is_none());
        assert!(waiting.get_mut(source, 1).is_none());
        assert_eq!((waiting.len(), waiting.len_of(source)), (1, 1));
        assert_eq!(waiting.drain().count(), 1);
        assert_eq!((waiting.len(), waiting.len_of(source)), (0, 0));
    }
}
