//! How a server answers what no client asks that wants the time: for whoever runs servers, and asks their own.
//!
//! Floor 4. One ordinary request, whose answer tells how far away the server is, and a handful of packets that no
//! server should answer with more than it was sent: a server that does serves to flood others (RFC 8633 section 3.4).
//! Each packet is sent once. What comes back is counted, and not believed. And keys for Network Time Security are asked
//! for, which nobody uses.

mod nts;
mod odd;

use std::io;
use std::net::SocketAddr;
use std::thread;

use crate::net::{Answers, ask_apart};
use crate::sample::{Nts, OddAnswer, OddQuestion};
use crate::time::TimeDelta;
use crate::wire::Header;

/// How long answers are waited for.
const PATIENCE: TimeDelta = TimeDelta::from_secs(1);
/// So many servers are asked at a time.
const AT_A_TIME: usize = 16;

/// How many routers an answer of each server could still have passed: the time to live of what it says to one ordinary
/// request. Absent where it does not answer.
pub fn ttls(servers: &[SocketAddr], interface: Option<&str>) -> Vec<Option<u8>> {
    let request = vec![
        Header::client_request(0x6331_6f63_6b66_6974)
            .to_bytes()
            .to_vec(),
    ];
    let ttl = |answers: Vec<Answers>| answers.first().and_then(|of| of.ttl);
    each(servers, |server| {
        ask_apart(*server, interface, &request, PATIENCE)
    })
    .into_iter()
    .map(|asked| asked.ok().and_then(ttl))
    .collect()
}

/// How each server answers odd packets; nothing of one that cannot be asked.
pub fn odd_answers(servers: &[SocketAddr], interface: Option<&str>) -> Vec<Vec<OddAnswer>> {
    let questions: Vec<Vec<u8>> = OddQuestion::ALL.map(odd::packet).to_vec();
    let told = |answers: Vec<Answers>| -> Vec<OddAnswer> {
        let asked = OddQuestion::ALL.into_iter().zip(&questions).zip(answers);
        asked
            .map(|((question, packet), answer)| OddAnswer {
                question,
                asked: u64::try_from(packet.len()).unwrap_or(u64::MAX),
                packets: answer.packets,
                answered: answer.bytes,
            })
            .collect()
    };
    each(servers, |server| {
        ask_apart(*server, interface, &questions, PATIENCE)
    })
    .into_iter()
    .map(|asked| asked.map_or_else(|_| Vec::new(), told))
    .collect()
}

/// Whether each server offers Network Time Security (RFC 8915): whether it gives keys to who asks for them. A server is
/// an address and the name that it is known by, which is its address where it has none.
///
/// Whether this host would trust its certificate is not asked.
pub fn nts(servers: &[(SocketAddr, String)], interface: Option<&str>) -> Vec<Nts> {
    each(servers, |(server, name)| {
        Ok(nts::ask(*server, name, interface))
    })
    .into_iter()
    .map(|asked| asked.unwrap_or_else(|error| Nts::NotOffered(error.to_string())))
    .collect()
}

/// Asks several at a time; in their order.
fn each<S: Sync, A: Send>(
    servers: &[S],
    ask: impl Fn(&S) -> io::Result<A> + Sync,
) -> Vec<io::Result<A>> {
    let mut all = Vec::new();
    for some in servers.chunks(AT_A_TIME) {
        thread::scope(|scope| {
            let asking: Vec<_> = some
                .iter()
                .map(|server| thread::Builder::new().spawn_scoped(scope, || ask(server)))
                .collect();
            let told = asking.into_iter().map(|of| {
                let failed = |_| Err(io::Error::other("asking failed"));
                of.and_then(|of| of.join().unwrap_or_else(failed))
            });
            all.extend(told);
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn nobody_answers_where_nobody_listens() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let servers = [silent.local_addr().unwrap(); 2];
        assert_eq!(ttls(&servers, None), [None; 2]);
        let told = odd_answers(&servers, None);
        assert!(told.iter().all(|of| of.len() == OddQuestion::ALL.len()));
        assert!(told.iter().flatten().all(|of| of.packets == 0));
    }

    #[test]
    fn what_amplifies_is_seen() {
        let amplifier = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = amplifier.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let mut buffer = [0; 2_048];
            for _ in OddQuestion::ALL {
                let (length, from) = amplifier.recv_from(&mut buffer).unwrap();
                if buffer[0] & 7 == 7 {
                    for _ in 0..20 {
                        amplifier.send_to(&[0; 440], from).unwrap();
                    }
                } else {
                    amplifier.send_to(&buffer[..length], from).unwrap();
                }
            }
        });
        let told = odd_answers(&[address], None);
        answering.join().unwrap();
        for answer in &told[0] {
            let expected = match answer.question {
                OddQuestion::Private => (20, 8_800),
                _ => (1, answer.asked),
            };
            assert_eq!((answer.packets, answer.answered), expected, "{answer:?}");
        }
    }
}
