//! Lines about connections that fail: refused, unresolved, without answer.

use crate::log::{
    cause::Kind,
    name::{self, Target},
};

/// Something about a connection.
pub(super) fn network(line: &str, lower: &str) -> Option<Kind> {
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if any(&[
        "no such host",
        "enotfound",
        "eai_again",
        "name or service not known",
        "unknownhostexception",
        "unknown host",
        "could not resolve host",
        "could not resolve hostname",
        "temporary failure in name resolution",
        "bad address",
        "could not translate host name",
        "name does not resolve",
        "nodename nor servname",
        "failed to resolve",
        "getaddrinfo",
        "server misbehaving",
        "nxdomain",
        "host not found",
        "unable to resolve",
    ]) {
        let host = name::quoted_after(line, "host name")
            .or_else(|| name::word_after(line, "lookup "))
            .or_else(|| name::word_after(line, "ENOTFOUND "))
            .or_else(|| name::word_after(line, "EAI_AGAIN "))
            .or_else(|| name::word_after(line, "UnknownHostException: "))
            .or_else(|| name::quoted_after(line, "bad address"))
            .or_else(|| name::word_after(line, "could not resolve host: "))
            .or_else(|| name::word_after(line, "host not found in upstream "))
            .and_then(name::target_of)
            .map(|target| target.host)
            .or_else(|| name::target(line).map(|target| target.host))
            .or_else(|| name::quoted_after(line, "").and_then(name::target_of).map(|target| target.host));
        return host.filter(|host| !name::is_address(host)).map(Kind::UnknownHost);
    }
    if any(&[
        "connection refused",
        "econnrefused",
        "connectexception",
        "actively refused",
        "connect: refused",
    ]) {
        return Some(Kind::Refused(named_target(line)));
    }
    if any(&[
        "host(s) tried",
        "no available connection",
        "can't connect to",
        "cannot connect to",
        "could not connect to",
        "unable to connect to",
        "failed to connect to",
        "connection timed out",
        "etimedout",
        "i/o timeout",
        "connect timeout",
        "no route to host",
        "ehostunreach",
        "network is unreachable",
        "serverselectiontimeout",
        "connection timeout",
        "unable to reach",
        "could not reach",
        "max retries exceeded",
        "deadline exceeded while awaiting",
        "no servers available",
        "connection attempt failed",
        "upstream connect error",
        "failed to dial",
        "dial tcp",
    ]) {
        return Some(Kind::Unreachable(named_target(line)));
    }
    None
}

/// The other side, also in the words of database drivers.
fn named_target(line: &str) -> Option<Target> {
    name::target(line).or_else(|| {
        let host = name::quoted_after(line, "on host")
            .or_else(|| name::quoted_after(line, "server on"))
            .or_else(|| {
                name::quoted_after(line, "to server at").or_else(|| name::quoted_after(line, "connect to"))
            })?;
        let mut target = name::target_of(host)?;
        if target.port.is_none() {
            target.port =
                name::word_after(line, "port ").and_then(|port| port.trim_end_matches('?').parse().ok());
        }
        Some(target)
    })
}
