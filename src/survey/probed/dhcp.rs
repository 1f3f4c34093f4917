//! Asking DHCP servers on all interfaces at once.
//!
//! A question has three rounds of a second: who is not answered in one is asked again in the next. Several servers may
//! answer one question, so a round is waited for to its end.

use std::net::IpAddr;

use rand::TryRng;
use rand::rngs::SysRng;

use super::super::Survey;
use super::super::evidence::Evidence;
use super::super::offered::{Offer, Standing};
use super::ProbeFinding;
use super::inform::{CLIENT_V4, CLIENT_V6, Question, Reply};
use crate::net::clock;
use crate::net::interfaces::{Interface, interfaces};
use crate::net::tap::{self, Tap};
use crate::time::TimeDelta;

/// How long an answer is waited for (RFC 8415 section 7.6 has INF_TIMEOUT of a second).
const ROUND: TimeDelta = TimeDelta::from_secs(1);
/// How often is asked at most.
const ROUNDS: u16 = 3;
/// Interfaces over which is asked; hosts of containers have hundreds.
const MOST_INTERFACES: usize = 64;
/// Datagrams to a client's port that are looked at, all together.
const MOST_HEARD: u32 = 20_000;
/// Servers of one question that are told.
const MOST_SERVERS: usize = 32;

/// An interface that was named is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no interface {name}; there are: {}", .existing.join(", "))]
pub struct NoInterface {
    /// What was named.
    pub name: String,
    /// What there is.
    pub existing: Vec<String>,
}

/// A question, and what answers it.
struct Asked {
    interface: Interface,
    question: Question,
    replies: Vec<Reply>,
    /// Why it could not be asked.
    failed: Option<String>,
}

/// Asks over these interfaces, or over all that can be asked over, and adds what is offered.
pub(in super::super) fn ask(names: &[String], survey: &mut Survey) -> Result<(), NoInterface> {
    let all = match interfaces() {
        Ok(all) => all,
        Err(error) => {
            let what = "the list of interfaces".to_owned();
            let failed = ProbeFinding::Failed(what, error.to_string());
            survey.probed.push(failed);
            return Ok(());
        }
    };
    let chosen = chosen(all, names, survey)?;
    if chosen.is_empty() {
        if names.is_empty() {
            survey.probed.push(ProbeFinding::NobodyToAsk);
        }
        return Ok(());
    }
    let mut asked = match questions(chosen) {
        Ok(asked) => asked,
        Err(why) => {
            let what = "random numbers".to_owned();
            survey.probed.push(ProbeFinding::Failed(what, why));
            return Ok(());
        }
    };
    match converse(&mut asked) {
        Ok(true) => {}
        Ok(false) => {
            let what = "the answers".to_owned();
            let why = format!("more than {MOST_HEARD} packets came: not all were looked at");
            survey.probed.push(ProbeFinding::Failed(what, why));
        }
        Err(error) if tap::is_not_allowed(&error) => {
            survey.probed.push(ProbeFinding::NotAllowed);
            return Ok(());
        }
        Err(error) => {
            let what = "the answers".to_owned();
            let failed = ProbeFinding::Failed(what, error.to_string());
            survey.probed.push(failed);
        }
    }
    tell(asked, survey);
    Ok(())
}

/// The interfaces to ask over. One that is named and has nothing to ask from is told.
fn chosen(
    all: Vec<Interface>,
    names: &[String],
    survey: &mut Survey,
) -> Result<Vec<Interface>, NoInterface> {
    let may = |of: &Interface| -> Result<(), &'static str> {
        match of {
            of if of.is_loopback => Err("it leads to this host alone"),
            of if !of.is_up => Err("it is switched off"),
            of if of.hardware.is_none() => Err("it is no Ethernet"),
            of if of.v4.is_none() && of.v6.is_none() => Err("it has no address"),
            _ => Ok(()),
        }
    };
    for name in names {
        let Some(found) = all.iter().find(|of| of.name == *name) else {
            return Err(NoInterface {
                name: name.clone(),
                existing: all.into_iter().map(|of| of.name).collect(),
            });
        };
        if let Err(why) = may(found) {
            let failed = ProbeFinding::Failed(name.clone(), why.to_owned());
            if !survey.probed.contains(&failed) {
                survey.probed.push(failed);
            }
        }
    }
    let is_chosen = |of: &Interface| names.is_empty() || names.contains(&of.name);
    let mut chosen: Vec<Interface> = all
        .into_iter()
        .filter(|of| is_chosen(of) && may(of).is_ok())
        .collect();
    if let Some(beyond) = chosen.get(MOST_INTERFACES) {
        let why = format!("{MOST_INTERFACES} interfaces before it are asked over, and no more");
        let failed = ProbeFinding::Failed(beyond.name.clone(), why);
        survey.probed.push(failed);
        chosen.truncate(MOST_INTERFACES);
    }
    Ok(chosen)
}

fn questions(chosen: Vec<Interface>) -> Result<Vec<Asked>, String> {
    let mut all = Vec::new();
    for interface in chosen {
        let addresses = [interface.v4.map(IpAddr::V4), interface.v6.map(IpAddr::V6)];
        for from in addresses.into_iter().flatten() {
            let transaction = SysRng.try_next_u32().map_err(|error| error.to_string())?;
            all.push(Asked {
                question: Question {
                    interface: interface.name.clone(),
                    hardware: interface.hardware.unwrap_or_default(),
                    from,
                    transaction,
                },
                interface: interface.clone(),
                replies: Vec::new(),
                failed: None,
            });
        }
    }
    Ok(all)
}

/// Asks, and listens; tells whether all that came was looked at.
fn converse(asked: &mut [Asked]) -> std::io::Result<bool> {
    let mut tap = Tap::open(CLIENT_V4, CLIENT_V6)?;
    let mut heard = 0;
    for round in 0..ROUNDS {
        let open = |of: &&mut Asked| of.replies.is_empty() && of.failed.is_none();
        for of in asked.iter_mut().filter(open) {
            let Some((packet, to)) = of.question.packet(round) else {
                continue;
            };
            if let Err(error) = tap::send(&of.interface, &packet, to) {
                if tap::is_not_allowed(&error) {
                    return Err(error);
                }
                of.failed = Some(error.to_string());
            }
        }
        let until = clock::counter() + ROUND;
        while clock::counter() < until {
            let Some(datagram) = tap.next(until)? else {
                // Also one that was none: it counts.
                heard += 1;
                if heard > MOST_HEARD {
                    return Ok(false);
                }
                continue;
            };
            heard += 1;
            if heard > MOST_HEARD {
                return Ok(false);
            }
            for of in asked.iter_mut() {
                if let Some(reply) = of.question.answer(&datagram) {
                    of.take(reply);
                }
            }
        }
        let is_done = |of: &Asked| !of.replies.is_empty() || of.failed.is_some();
        if asked.iter().all(is_done) {
            break;
        }
    }
    Ok(true)
}

impl Asked {
    /// Keeps what a server says first.
    fn take(&mut self, reply: Reply) {
        let is_known = self.replies.iter().any(|of| of.server == reply.server);
        if !is_known && self.replies.len() < MOST_SERVERS {
            self.replies.push(reply);
        }
    }
}

/// Adds what is offered, and what else is to be told.
fn tell(asked: Vec<Asked>, survey: &mut Survey) {
    let mut silent: Vec<String> = Vec::new();
    for of in &asked {
        let name = &of.question.interface;
        let mut same = asked.iter().filter(|of| of.question.interface == *name);
        // One of the two versions of IP is enough.
        let is_silent = same.all(|of| of.replies.is_empty() && of.failed.is_none());
        if is_silent && !silent.contains(name) {
            silent.push(name.clone());
        }
    }
    for Asked {
        question,
        replies,
        failed,
        ..
    } in asked
    {
        let interface = &question.interface;
        if let Some(why) = failed {
            let what = format!("{} over {interface}", question.name());
            survey.probed.push(ProbeFinding::Failed(what, why));
        }
        for Reply { server, names } in replies {
            if names.is_empty() {
                let none = ProbeFinding::NamesNone(server.to_string(), interface.clone());
                survey.probed.push(none);
            }
            for name in names {
                let text = format!("its answer to {} names {name}", question.name());
                survey.offers.push(Offer {
                    by: question.by(),
                    client: CLIENT,
                    interface: Some(interface.clone()),
                    server: name,
                    standing: Standing::InForce,
                    is_kept: false,
                    evidence: Evidence::file(&format!("{server} over {interface}"), &text),
                });
            }
        }
    }
    if !silent.is_empty() {
        survey.probed.push(ProbeFinding::NoAnswer(silent));
    }
}

/// Who was told.
const CLIENT: &str = "clockfit --probe-dhcp";

#[cfg(test)]
mod tests {
    use super::super::super::survey_image;
    use super::super::super::tests::Tree;
    use super::*;

    fn interface(index: u32, name: &str) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            is_up: true,
            is_loopback: false,
            hardware: Some([2, 0, 0, 0, 0, 1]),
            v4: Some([192, 0, 2, 7].into()),
            v6: Some("fe80::7".parse().unwrap()),
        }
    }

    fn survey() -> Survey {
        survey_image(&mut Tree::of(&[]).files())
    }

    fn all() -> Vec<Interface> {
        vec![
            Interface {
                is_loopback: true,
                ..interface(1, "lo")
            },
            interface(2, "eth0"),
            Interface {
                is_up: false,
                ..interface(3, "eth1")
            },
            Interface {
                hardware: None,
                ..interface(4, "wg0")
            },
            Interface {
                v4: None,
                v6: None,
                ..interface(5, "eth2")
            },
            Interface {
                v4: None,
                ..interface(6, "eth3")
            },
        ]
    }

    #[test]
    fn interfaces_that_can_be_asked_over() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&of| of.to_owned()).collect();
            let mut survey = survey();
            let chosen = chosen(all(), &names, &mut survey).map(|chosen| {
                let names = chosen.into_iter().map(|of| of.name);
                names.collect::<Vec<_>>()
            });
            (chosen, survey.probed)
        };
        assert_eq!(
            chosen(&[]),
            (Ok(vec!["eth0".into(), "eth3".into()]), vec![])
        );
        let (only, said) = chosen(&["eth3", "lo", "eth1", "eth1", "wg0", "eth2"]);
        assert_eq!(only.unwrap(), ["eth3"]);
        assert_eq!(said.len(), 4, "{said:?}");
        let error = chosen(&["eth9"]).0.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no interface eth9; there are: lo, eth0")
        );
    }

    #[test]
    fn all_that_answer_are_told_and_who_says_nothing_or_not_at_all() {
        let mut asked = questions(vec![interface(2, "eth0"), interface(3, "eth1")]).unwrap();
        assert_eq!(asked.len(), 4);
        assert_ne!(asked[0].question.transaction, asked[1].question.transaction);
        let reply = |server: &str, names: &[&str]| Reply {
            server: server.parse().unwrap(),
            names: names.iter().map(|&of| of.to_owned()).collect(),
        };
        asked[0].take(reply("192.0.2.1", &["192.0.2.10", "192.0.2.11"]));
        asked[0].take(reply("192.0.2.1", &["192.0.2.12"]));
        asked[0].take(reply("192.0.2.2", &["192.0.2.13"]));
        asked[1].take(reply("fe80::1", &[]));
        let mut survey = survey();
        tell(asked, &mut survey);
        let offers: Vec<_> = survey
            .offers
            .iter()
            .map(|of| (of.server.as_str(), of.evidence.file.as_str()))
            .collect();
        assert_eq!(
            offers,
            [
                ("192.0.2.10", "192.0.2.1 over eth0"),
                ("192.0.2.11", "192.0.2.1 over eth0"),
                ("192.0.2.13", "192.0.2.2 over eth0"),
            ]
        );
        assert_eq!(
            survey.probed,
            [
                ProbeFinding::NamesNone("fe80::1".to_owned(), "eth0".to_owned()),
                ProbeFinding::NoAnswer(vec!["eth1".to_owned()]),
            ]
        );
    }
}
