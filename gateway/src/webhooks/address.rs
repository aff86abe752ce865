//! Which addresses may be told. A webhook must not be a way into the provider's own network, so every
//! address that a name leads to is looked at, and the connection goes to one of those and no other.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::network::Network;

/// Addresses being looked up.
pub type LookUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where names lead: the system's resolver, or a test's.
pub trait Names: Send + Sync + 'static {
    /// Every address of a host.
    fn look_up(&self, host: String) -> LookUp;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, host: String) -> LookUp {
        let (told, answer) = tokio::sync::oneshot::channel();
        // A thread of its own: one that waits for a name server for long holds up nobody, and not the
        // end of the process either.
        std::thread::spawn(move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            let _ = told.send(found.map(|all| all.map(|address| address.ip()).collect()));
        });
        Box::pin(async move { answer.await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into())) })
    }
}

/// An address that may not be told. It does not say which one: names of the inside are nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not a public one")]
pub struct NotPublic;

/// Networks that may be told though they are not public.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Network>);

impl Allowed {
    /// These.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Checks one address.
    ///
    /// # Errors
    /// When it may not be told.
    pub fn check(&self, address: IpAddr) -> Result<(), NotPublic> {
        let allowed = self.0.iter().any(|network| network.contains(address));
        if allowed || is_public(address) { Ok(()) } else { Err(NotPublic) }
    }
}

/// Whether an address is one of the public Internet, by the IANA registries of special-purpose addresses
/// (RFC 6890) and what they leave to private use.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u8); 15] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        // Shared by carriers (RFC 6598).
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        // Link-local; the clouds' metadata is here.
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        // 6to4 relays.
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        // Multicast.
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    !SPECIAL.iter().any(|(base, bits)| Network::new(IpAddr::from(*base), *bits).contains(address.into()))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3. Outside it are the unspecified and the loopback address, IPv4-mapped ones,
    // NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local, multicast.
    let within = |(first, second): (u16, u16), bits| {
        let base = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0);
        Network::new(base.into(), bits).contains(address.into())
    };
    // Protocols' own (Teredo among them), documentation twice, and 6to4, which leads to any IPv4 address.
    let special = [((0x2001, 0), 23), ((0x2001, 0x0db8), 32), ((0x3fff, 0), 20), ((0x2002, 0), 16)];
    within((0x2000, 0), 3) && !special.iter().any(|(base, bits)| within(*base, *bits))
}

/// A resolver that answers with public addresses alone: if a name leads to one that is not, to none.
#[derive(Clone)]
pub(super) struct Checked {
    pub names: Arc<dyn Names>,
    pub allowed: Allowed,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (looked_up, allowed) = (self.names.look_up(name.as_str().to_owned()), self.allowed.clone());
        Box::pin(async move {
            let found = looked_up.await?;
            for address in &found {
                allowed.check(*address)?;
            }
            let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_public_and_all_others_are_not() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2003::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "100::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn a_network_that_is_allowed_may_be_told_and_its_neighbours_may_not() {
        let allowed = Allowed::new(Network::parse_list("10.1.0.0/16 fd00::/8").unwrap());
        let check = |address: &str| allowed.check(address.parse().unwrap()).is_ok();
        assert!(check("10.1.255.255") && check("fd12::1") && check("1.1.1.1"));
        assert!(!check("10.2.0.0") && !check("10.0.255.255") && !check("fc00::1") && !check("127.0.0.1"));
        let whole = Allowed::new(Network::parse_list("0.0.0.0/0").unwrap());
        assert!(whole.check("127.0.0.1".parse().unwrap()).is_ok());
        assert!(whole.check("::1".parse().unwrap()).is_err());
    }
}
