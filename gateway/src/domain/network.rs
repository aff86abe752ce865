//! Networks of addresses, as CIDR writes them (RFC 4632, RFC 4291 section 2.3).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A network: an address and how many of its leading bits count. The others are zero.
///
/// IPv4 addresses that are mapped into IPv6 (`::ffff:192.0.2.1`) are the IPv4 addresses that they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// A network whose base has no bits beyond its prefix.
    #[must_use]
    pub const fn new(base: IpAddr, bits: u8) -> Self {
        Self { base, bits }
    }

    /// The network of an address: so many of its leading bits in IPv4, so many in IPv6.
    #[must_use]
    pub fn around(address: IpAddr, (v4_bits, v6_bits): (u8, u8)) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let bits = v4_bits.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                Self { base: Ipv4Addr::from_bits(address.to_bits() & mask).into(), bits }
            }
            IpAddr::V6(address) => {
                let bits = v6_bits.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                Self { base: Ipv6Addr::from_bits(address.to_bits() & mask).into(), bits }
            }
        }
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// Reads networks with commas or spaces between them.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let parts = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| part.parse().map_err(|NotANetwork| part.to_owned())).collect()
    }
}

/// A text that is no network, or has bits set beyond its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    /// An address alone is a network of one.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => all,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= all).ok_or(NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        let beyond = match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits().checked_shl(u32::from(bits)).unwrap_or(0)),
            IpAddr::V6(v6) => v6.to_bits().checked_shl(u32::from(bits)).unwrap_or(0),
        };
        if beyond != 0 || address != address.to_canonical() {
            return Err(NotANetwork);
        }
        Ok(Self { base: address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_by_its_leading_bits() {
        for (network, within, beyond) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.0"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "ffff::", "1.2.3.4"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(within.parse().unwrap()), "{network} has {within}");
            assert!(!network.contains(beyond.parse().unwrap()), "{network} has not {beyond}");
        }
    }

    #[test]
    fn an_address_has_a_network_around_it() {
        for (address, bits, network) in [
            ("192.0.2.7", (32, 64), "192.0.2.7/32"),
            ("192.0.2.7", (24, 64), "192.0.2.0/24"),
            ("::ffff:192.0.2.7", (0, 64), "0.0.0.0/0"),
            ("2001:db8:1:2:3::4", (32, 64), "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", (32, 48), "2001:db8:1::/48"),
            ("2001:db8::1", (32, 128), "2001:db8::1/128"),
        ] {
            assert_eq!(Network::around(address.parse().unwrap(), bits).to_string(), network);
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "x", "192.0.2.1/24", "192.0.2.0/33", "::/129", "1.2.3.4/", "1.2.3.4/+8", "::ffff:1.2.3.4"]
        {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
        let all = Network::parse_list("10.0.0.0/8, ::1 192.0.2.1").unwrap();
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]
        );
        assert_eq!(Network::parse_list("10.0.0.0/8,x"), Err("x".to_owned()));
    }
}
