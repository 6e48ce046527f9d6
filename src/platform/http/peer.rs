//! Whose request it is, by address.
//!
//! Behind a proxy the last address of the last `X-Forwarded-For` line is the proxy's own word; whatever stands before it may
//! be the client's invention. One household or one server has a whole /64 of IPv6, so limits count networks, not addresses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(Option<IpAddr>);

impl Peer {
    /// Of a request; `forwarded` says whether a proxy in front of us names the client.
    pub fn of(request: &Request, forwarded: bool) -> Self {
        let connected = || {
            let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
            info.map(|ConnectInfo(peer)| peer.ip())
        };
        let named = forwarded.then(|| named_by_proxy(request)).flatten();
        Self(
            named
                .or_else(connected)
                .map(|address| address.to_canonical()),
        )
    }

    /// As records name it.
    pub fn address(self) -> String {
        self.0
            .map_or_else(|| "local".to_owned(), |address| address.to_string())
    }

    /// As limits count it: an IPv4 address, or the first 64 bits of an IPv6 address.
    pub fn network(self) -> String {
        match self.0 {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            _ => self.address(),
        }
    }
}

fn named_by_proxy(request: &Request) -> Option<IpAddr> {
    let lines = request.headers().get_all("x-forwarded-for");
    let last = lines.iter().next_back()?.to_str().ok()?;
    let name = last.rsplit(',').next()?.trim();
    // Some proxies add the port.
    let with_port = || name.parse::<SocketAddr>().map(|address| address.ip());
    name.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn peer(lines: &[&str], forwarded: bool) -> Peer {
        let mut request = Request::builder();
        for line in lines {
            request = request.header("x-forwarded-for", *line);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))));
        Peer::of(&request, forwarded)
    }

    #[test]
    fn the_proxys_own_word_is_the_last_one() {
        for lines in [
            &["198.51.100.7"][..],
            &["203.0.113.9, 198.51.100.7"],
            &["203.0.113.9", "198.51.100.7"],
            &["203.0.113.9", "203.0.113.8, 198.51.100.7:50000"],
        ] {
            assert_eq!(peer(lines, true).address(), "198.51.100.7", "{lines:?}");
            assert_eq!(peer(lines, false).address(), "192.0.2.1", "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        for lines in [&["unknown"][..], &["198.51.100.7", "nonsense"], &[""], &[]] {
            assert_eq!(peer(lines, true).address(), "192.0.2.1", "{lines:?}");
        }
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let of = |line| peer(&[line], true);
        assert_eq!(of("2001:db8:1:2:3::4").network(), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:ffff::").network(), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:3::4").address(), "2001:db8:1:2:3::4");
        assert_eq!(of("::ffff:198.51.100.7").network(), "198.51.100.7");
        assert_eq!(of("198.51.100.7").network(), "198.51.100.7");
    }
}
