//! Names and zones to addresses.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long names may take to resolve, all together. The system's resolver has no time-out of its
/// own that a program could set; a name that takes longer is reported and left out.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(15);
/// Names resolved at the same time.
const PARALLEL: usize = 16;

/// The addresses of each `(name, port)`, in the order given.
pub fn names(names: &[(String, u16)]) -> Vec<io::Result<Vec<SocketAddr>>> {
    let mut found: Vec<_> = names
        .iter()
        .map(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no answer from the resolver",
            ))
        })
        .collect();
    let (sender, receiver) = mpsc::channel();
    let workers = names.len().clamp(1, PARALLEL);
    for worker in 0..workers {
        // Each worker takes every PARALLELth name. Threads are left behind when the time is up:
        // a thread inside the resolver cannot be stopped.
        let mine: Vec<(usize, (String, u16))> = names
            .iter()
            .cloned()
            .enumerate()
            .skip(worker)
            .step_by(workers)
            .collect();
        let sender = sender.clone();
        thread::spawn(move || {
            for (index, (name, port)) in mine {
                let addresses = lookup(&name, port);
                if sender.send((index, addresses)).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut left = RESOLVE_TIMEOUT;
    loop {
        let before = super::clock::counter();
        let Ok((index, addresses)) = receiver.recv_timeout(left) else {
            return found;
        };
        if let Some(slot) = found.get_mut(index) {
            *slot = addresses;
        }
        left = left.saturating_sub(super::clock::counter().since(before).to_duration());
    }
}

fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (name, port).to_socket_addrs()? {
        // getaddrinfo may give one address for several socket types.
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    Ok(addresses)
}

/// An address with an optional zone (`eth0` or an index) as a socket address.
pub fn zoned(address: IpAddr, zone: Option<&str>, port: u16) -> io::Result<SocketAddr> {
    let Some(zone) = zone else {
        return Ok(SocketAddr::new(address, port));
    };
    let IpAddr::V6(v6) = address else {
        let why = format!("{address}%{zone}: only IPv6 addresses have zones");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    };
    let index = match zone.parse::<u32>() {
        Ok(index) => index,
        Err(_) => interface_index(zone)
            .map_err(|e| io::Error::new(e.kind(), format!("{address}%{zone}: {e}")))?,
    };
    Ok(SocketAddrV6::new(v6, port, 0, index).into())
}

/// The number of the interface of this name, which shows that there is one.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let any = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None)
        .or_else(|_| socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None))?;
    rustix::net::netdevice::name_to_index(&any, name).map_err(|e| {
        let e = io::Error::from(e);
        io::Error::new(e.kind(), format!("no interface {name}: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_name_or_a_number() {
        let address: IpAddr = "fe80::1".parse().unwrap();
        let by_name = zoned(address, Some("lo"), 123).unwrap();
        let by_number = zoned(address, Some("1"), 123).unwrap();
        assert_eq!(by_name, by_number); // lo is interface 1 in every network namespace
        assert!(
            zoned(address, Some("no-such-if"), 123)
                .unwrap_err()
                .to_string()
                .contains("no-such-if")
        );
        assert!(zoned("127.0.0.1".parse().unwrap(), Some("lo"), 123).is_err());
    }

    #[test]
    fn an_unknown_name_is_an_error_of_its_own() {
        let found = names(&[
            ("localhost".into(), 123),
            ("no-such-host.invalid".into(), 123),
        ]);
        assert!(
            found[0]
                .as_ref()
                .unwrap()
                .iter()
                .all(|a| a.ip().is_loopback())
        );
        assert!(found[1].is_err());
    }
}
