//! Whether a proxy of the environment is passed by. kube compares `NO_PROXY`
//! with the proxy's own address, so the rule that kubectl follows is applied
//! here: loopback never goes through a proxy, nor do the hosts that are listed.

use std::net::IpAddr;

pub(super) fn goes_direct(host: &str, no_proxy: Option<&str>) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.unwrap_or_default().split([',', ' ']).map(str::trim).filter(|rule| !rule.is_empty()).any(
        |rule| {
            rule == "*"
                || match address {
                    Some(address) => covers(rule, address),
                    None => names(rule, &host),
                }
        },
    )
}

/// `example.com` is the host itself and all below it, `.example.com` only those.
fn names(rule: &str, host: &str) -> bool {
    let rule = rule.trim_start_matches('*').to_ascii_lowercase();
    let rule = rule.rsplit_once(':').map_or(rule.as_str(), |(name, _)| name);
    match rule.strip_prefix('.') {
        Some(_) => host.ends_with(rule),
        None => host == rule || host.strip_suffix(rule).is_some_and(|start| start.ends_with('.')),
    }
}

/// An address, or a network as `10.0.0.0/8`.
fn covers(rule: &str, address: IpAddr) -> bool {
    let (network, length) = match rule.split_once('/') {
        Some((network, length)) => (network, length.parse::<u32>().ok()),
        None => (rule, Some(128)),
    };
    match (network.parse::<IpAddr>(), address, length) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address), Some(length)) => {
            let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address), Some(length)) => {
            let mask = u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_pass_the_proxy_by() {
        let check = |host, no_proxy, expect| {
            assert_eq!(goes_direct(host, Some(no_proxy)), expect, "{host} {no_proxy}")
        };
        check("127.0.0.1", "", true);
        check("[::1]", "", true);
        check("localhost", "", true);
        check("10.1.2.3", "", false);
        check("10.1.2.3", "10.0.0.0/8, other", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "0.0.0.0/0", true);
        check("11.1.2.3", "10.0.0.0/8", false);
        check("11.1.2.3", "10.0.0.0/x", false);
        check("fd00::1", "fd00::/8", true);
        check("k8s.corp.example", "corp.example", true);
        check("k8s.corp.example", ".corp.example", true);
        check("corp.example", ".corp.example", false);
        check("notcorp.example", "corp.example", false);
        check("K8S.Corp.Example", "*.corp.example", true);
        check("anything", "*", true);
        check("k8s", "", false);
    }
}
