//! What kind of place an address is. Pure.
//!
//! An address that carries another one inside (IPv4-mapped, NAT64, 6to4,
//! Teredo and the like) is judged by what it carries, so that no spelling of a
//! closed place looks like an open one. The ranges are those of the IANA
//! registries for special-purpose addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ordered from the most open to the most closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressClass {
    /// Anywhere on the Internet.
    Public,
    /// RFC 1918, unique local, shared (carrier-grade NAT).
    Private,
    Loopback,
    /// Documentation, benchmarks, and whatever has no owner yet.
    Reserved,
    LinkLocal,
    /// Where clouds hand out credentials to whoever asks.
    Metadata,
    Multicast,
    /// "This host": what it reaches depends on the system.
    Unspecified,
}

impl AddressClass {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// For messages: "an address that is …".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::Reserved => "reserved",
            Self::LinkLocal => "link-local",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
        }
    }

    /// Whether a name may lead here. `private` says that the rule names a private place.
    #[must_use]
    pub fn open_to_names(self, private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Private | Self::Loopback => private,
            _ => false,
        }
    }

    /// Whether a rule that spells out the address may lead here.
    #[must_use]
    pub fn open_to_literals(self) -> bool {
        !matches!(self, Self::Multicast | Self::Unspecified)
    }
}

/// Metadata services of the large clouds that are not link-local anyway.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254),
    // Container credentials of AWS.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    // Container credentials of AWS.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [192, 168, ..] => AddressClass::Private,
        [172, second, ..] if second & 0xf0 == 16 => AddressClass::Private,
        [100, second, ..] if second & 0xc0 == 64 => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressClass::Reserved
        }
        [198, second, ..] if second & 0xfe == 18 => AddressClass::Reserved,
        [first, ..] if first & 0xf0 == 224 => AddressClass::Multicast,
        [first, ..] if first >= 240 => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    if address.is_unspecified() {
        return AddressClass::Unspecified;
    }
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    let parts = address.segments();
    let own = match parts {
        // Mapped, compatible, translated and NAT64: the last 32 bits are the address.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            return of_v4(pair(parts[6], parts[7]));
        }
        // 6to4.
        [0x2002, high, low, ..] => return of_v4(pair(high, low)),
        // Teredo: the server's address, and the client's with its bits turned over.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            return of_v4(pair(high, low)).max(of_v4(pair(!client_high, !client_low)));
        }
        [0x2001, 0xdb8, ..] => AddressClass::Reserved,
        [0x3fff, second, ..] if second & 0xf000 == 0 => AddressClass::Reserved,
        [first, ..] if first & 0xff00 == 0xff00 => AddressClass::Multicast,
        [first, ..] if first & 0xffc0 == 0xfe80 => AddressClass::LinkLocal,
        [first, ..] if first & 0xffc0 == 0xfec0 || first & 0xfe00 == 0xfc00 => AddressClass::Private,
        [first, ..] if first & 0xe000 == 0x2000 => AddressClass::Public,
        _ => AddressClass::Reserved,
    };
    match parts {
        // ISATAP, below any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => own.max(of_v4(pair(high, low))),
        _ => own,
    }
}

fn pair(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_address_is_judged_by_where_it_leads() {
        use AddressClass::*;
        for (address, expect) in [
            ("93.184.216.34", Public),
            ("172.32.0.1", Public),
            ("100.128.0.1", Public),
            ("10.1.2.3", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.0.1", Private),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("127.0.0.1", Loopback),
            ("127.255.1.1", Loopback),
            ("0.0.0.0", Unspecified),
            ("0.1.2.3", Unspecified),
            ("169.254.1.1", LinkLocal),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("100.100.100.200", Metadata),
            ("168.63.129.16", Metadata),
            ("192.0.2.1", Reserved),
            ("198.51.100.1", Reserved),
            ("203.0.113.9", Reserved),
            ("198.19.0.1", Reserved),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Reserved),
            ("255.255.255.255", Reserved),
            ("2606:2800:220:1::1", Public),
            ("::", Unspecified),
            ("::1", Loopback),
            ("fe80::1", LinkLocal),
            ("fec0::1", Private),
            ("fd12:3456::1", Private),
            ("fd00:ec2::254", Metadata),
            ("ff02::1", Multicast),
            ("2001:db8::1", Reserved),
            ("3fff::1", Reserved),
            ("100::1", Reserved),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:169.254.169.254", Metadata),
            ("::127.0.0.1", Loopback),
            ("::ffff:0:10.0.0.1", Private),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::8.8.8.8", Public),
            ("64:ff9b:1::8.8.8.8", Reserved),
            ("2002:7f00:1::", Loopback),
            ("2002:a9fe:a9fe::1", Metadata),
            ("2002:808:808::1", Public),
            // Teredo with the client 127.0.0.1, and with the server 10.0.0.1.
            ("2001:0:808:808:0:0:80ff:fffe", Loopback),
            ("2001:0:a00:1:0:0:f7f7:f7f7", Private),
            ("2606:2800::5efe:10.0.0.1", Private),
        ] {
            assert_eq!(AddressClass::of(address.parse().unwrap()), expect, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_wrapping_opens_what_is_closed(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let (high, low) = ((bits >> 16) as u16, bits as u16);
            let class = of_v4(plain);
            for wrapped in [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
            ] {
                prop_assert_eq!(AddressClass::of(wrapped.into()), class, "{}", wrapped);
            }
        }
    }
}
