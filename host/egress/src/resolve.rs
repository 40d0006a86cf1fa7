//! Names to addresses, and the only place where a name becomes a connection.
//!
//! The resolver that the HTTP client gets judges each address and hands out
//! those that passed, so that the address that was judged is the address that
//! is connected to: there is no second resolution that could answer otherwise.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolving};
use sickbay_core::text::clean_line;

use crate::{address::AddressClass, error::EgressError};

/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// Resolves names. Tests put one of their own here.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Called once for each new connection, with a name in lower case and
    /// ASCII; never for an address, nor for a name that no rule allows. May wait:
    /// it is dropped when the time to connect is up.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Answers as it is told and counts who asked, for tests. The last answer to a name stays.
#[derive(Debug, Default)]
pub struct ScriptedResolver {
    answers: Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl ScriptedResolver {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer to a name; several are given one after the other.
    #[must_use]
    pub fn with(self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_default()
            .push_back(addresses.into_iter().collect());
        self
    }

    /// Every name that was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Resolve for ScriptedResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get_mut(name) {
            Some(queue) if queue.len() > 1 => Ok(queue.pop_front().unwrap_or_default()),
            Some(queue) => Ok(queue.front().cloned().unwrap_or_default()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "there is no such name")),
        }
    }
}

/// Resolves, judges, and hands out what passed.
pub(crate) struct Checked {
    pub(crate) resolver: Arc<dyn Resolve>,
    /// Whether names may lead to private addresses.
    pub(crate) private: bool,
}

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, private) = (Arc::clone(&self.resolver), self.private);
        Box::pin(async move {
            let host = name.as_str();
            let found = resolver.resolve(host).await.map_err(|error| EgressError::Resolve {
                host: host.to_owned(),
                why: clean_line(&error.to_string(), 200),
            })?;
            let passed = passed(host, &found, private)?;
            Ok(Box::new(passed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// The addresses that the name may lead to.
fn passed(host: &str, found: &[IpAddr], private: bool) -> Result<Vec<IpAddr>, EgressError> {
    let open = |address: &&IpAddr| AddressClass::of(**address).open_to_names(private);
    let passed: Vec<IpAddr> = found.iter().filter(open).take(ADDRESSES).copied().collect();
    if !passed.is_empty() {
        return Ok(passed);
    }
    match found.iter().map(|address| AddressClass::of(*address)).max() {
        Some(class) => Err(EgressError::Address { host: host.to_owned(), class }),
        None => Err(EgressError::Resolve { host: host.to_owned(), why: "it has no address".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_passed_are_handed_out() {
        let (open, near, meta): (IpAddr, IpAddr, IpAddr) = (
            "93.184.216.34".parse().unwrap(),
            "10.0.0.1".parse().unwrap(),
            "169.254.169.254".parse().unwrap(),
        );
        assert_eq!(passed("a", &[near, open, meta], false), Ok(vec![open]));
        assert_eq!(passed("a", &[near, open, meta], true), Ok(vec![near, open]));
        for (found, private, class) in [
            (vec![near], false, AddressClass::Private),
            (vec![near, meta], false, AddressClass::Metadata),
            (vec![meta], true, AddressClass::Metadata),
        ] {
            assert_eq!(passed("a", &found, private), Err(EgressError::Address { host: "a".into(), class }));
        }
        assert!(matches!(passed("a", &[], true), Err(EgressError::Resolve { .. })));
    }
}
