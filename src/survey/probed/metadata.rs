//! Asking the platform that a guest runs on: its metadata service, and time servers at addresses of the link.
//!
//! All is asked at once, each with a second, and nothing of it is needed for something else: what is no answer is told,
//! and no redirect is followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;

use rand::TryRng;
use rand::rngs::SysRng;

use super::super::Survey;
use super::super::cloud_config::{CloudConfig, cloud_config, of_vendor_data};
use super::super::evidence::Evidence;
use super::super::offered::{Offer, OfferBy, Standing};
use super::ProbeFinding;
use crate::net::http::{self, Answer, MOST_BODY, Question};
use crate::net::query;
use crate::sample::Leap;
use crate::time::TimeDelta;
use crate::wire::{Header, NtpTimestamp, Packet, PacketMode};

/// How long each is waited for; one of them asks twice.
const PATIENCE: TimeDelta = TimeDelta::from_secs(1);
/// Where platforms have their metadata service.
const SERVICE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);
/// Where they have time servers: EC2's, over both versions of IP, and GCE's.
const TIME_SERVERS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 123)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
];
const NTP: u16 = 123;
/// Who was told.
const CLIENT: &str = "clockfit --probe-metadata";
/// A token of EC2 is a line of this length at most.
const LONGEST_TOKEN: usize = 256;

/// What is asked of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// JSON that tells OpenStack from others.
    OpenStack,
    /// What OpenStack's provider tells cloud-init.
    VendorData,
    /// What its user does.
    UserData,
    /// A token of EC2's, and with it what its user tells.
    Ec2,
    /// GCE's root.
    Gce,
}

const ALL: [(Asked, &str); 6] = [
    (Asked::OpenStack, "/openstack/latest/meta_data.json"),
    (Asked::VendorData, "/openstack/latest/vendor_data.json"),
    (Asked::VendorData, "/openstack/latest/vendor_data2.json"),
    (Asked::UserData, "/openstack/latest/user_data"),
    (Asked::Ec2, "/latest/api/token"),
    (Asked::Gce, "/computeMetadata/v1/"),
];
const EC2_USER_DATA: &str = "/latest/user-data";

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is none of that.
    Absent,
    /// A status that platforms answer others' questions with.
    Refused(u16),
    /// Nobody answers.
    Silent(String),
    /// It is no answer that could be used.
    Odd(String),
    /// It tells the platform.
    Platform(&'static str),
    /// It tells of time servers, or of none.
    Told(OfferBy, CloudConfig),
}

/// Asks the platform, and adds what it offers.
pub(in super::super) fn ask(survey: &mut Survey) {
    let (outcomes, servers) = thread::scope(|scope| {
        let service = ALL.map(|(asked, path)| scope.spawn(move || ask_service(asked, path)));
        let servers = TIME_SERVERS.map(|address| scope.spawn(move || ask_ntp(address)));
        let mut outcomes = Vec::new();
        for thread in service {
            outcomes.extend(thread.join().unwrap_or_default());
        }
        let servers = servers.map(|thread| thread.join().unwrap_or_default());
        (outcomes, servers)
    });
    tell(outcomes, survey);
    for (address, found) in TIME_SERVERS.into_iter().zip(servers) {
        match found {
            Found::Nothing => {}
            Found::Stratum(stratum) => {
                let text = format!("it answers as an NTP server of stratum {stratum}");
                let evidence = Evidence::file(&address.to_string(), &text);
                survey.offers.push(Offer {
                    by: OfferBy::LinkLocal,
                    client: CLIENT,
                    interface: None,
                    server: address.to_string(),
                    standing: Standing::InForce,
                    is_kept: false,
                    evidence,
                });
            }
            Found::Unsynchronised => {
                let why = "it answers over NTP, and is not synchronised".to_owned();
                let odd = ProbeFinding::Metadata(address.to_string(), why);
                survey.probed.push(odd);
            }
        }
    }
}

fn ask_service(asked: Asked, path: &'static str) -> Vec<(&'static str, Outcome)> {
    let headers: &[(&str, &str)] = match asked {
        Asked::Ec2 => &[("X-aws-ec2-metadata-token-ttl-seconds", "60")],
        Asked::Gce => &[("Metadata-Flavor", "Google")],
        _ => &[],
    };
    let question = Question {
        method: if asked == Asked::Ec2 { "PUT" } else { "GET" },
        to: SERVICE,
        path,
        headers,
    };
    let answer = http::ask(&question, PATIENCE);
    let mut outcomes = vec![(path, outcome(asked, &answer))];
    if let (Asked::Ec2, Ok(answer), Some((_, Outcome::Platform(_)))) =
        (asked, &answer, outcomes.first())
    {
        let token = String::from_utf8_lossy(&answer.body).trim().to_owned();
        let question = Question {
            method: "GET",
            path: EC2_USER_DATA,
            headers: &[("X-aws-ec2-metadata-token", &token)],
            ..question
        };
        let answer = http::ask(&question, PATIENCE);
        outcomes.push((EC2_USER_DATA, outcome(Asked::UserData, &answer)));
    }
    outcomes
}

/// What an answer comes to.
fn outcome(asked: Asked, answer: &Result<Answer, http::NoAnswer>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ http::NoAnswer::Malformed(_)) => return Outcome::Odd(error.to_string()),
        Err(error) => return Outcome::Silent(error.to_string()),
    };
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let begins = answer.body.trim_ascii_start();
    let is_html = kind.eq_ignore_ascii_case("text/html")
        || begins.first() == Some(&b'<') && asked != Asked::UserData;
    match answer.status {
        200 => {}
        300..400 => {
            let to = answer.header("location").unwrap_or("nowhere");
            return Outcome::Odd(format!("it redirects to {to}, which is not followed"));
        }
        404 => return Outcome::Absent,
        status => return Outcome::Refused(status),
    }
    if is_html {
        return Outcome::Odd("it answers with a page of HTML".to_owned());
    }
    if answer.is_cut {
        let most = MOST_BODY / 1024;
        return Outcome::Odd(format!(
            "its answer is longer than {most} kB, and was not looked at"
        ));
    }
    match asked {
        Asked::OpenStack => match serde_json::from_slice::<serde_json::Value>(&answer.body) {
            Ok(value) if value.get("uuid").is_some() => Outcome::Platform("OpenStack"),
            Ok(_) => Outcome::Absent,
            Err(_) => Outcome::Odd("it is no JSON".to_owned()),
        },
        Asked::VendorData => match of_vendor_data(&answer.body) {
            Ok(told) => Outcome::Told(OfferBy::VendorData, told),
            Err(why) => Outcome::Odd(why.to_owned()),
        },
        Asked::UserData => Outcome::Told(OfferBy::UserData, cloud_config(&answer.body)),
        Asked::Ec2 => {
            let token = answer.body.trim_ascii();
            let is_token = !token.is_empty()
                && token.len() <= LONGEST_TOKEN
                && token.iter().all(u8::is_ascii_graphic);
            match is_token {
                true => Outcome::Platform("EC2"),
                false => Outcome::Odd("it is no token".to_owned()),
            }
        }
        // Its own answers say so (Metadata-Flavor).
        Asked::Gce => match answer.header("metadata-flavor") {
            Some("Google") => Outcome::Platform("GCE"),
            _ => Outcome::Absent,
        },
    }
}

/// Adds what is offered, and what else is to be told.
fn tell(outcomes: Vec<(&'static str, Outcome)>, survey: &mut Survey) {
    let silent = |(_, of): &(&str, Outcome)| match of {
        Outcome::Silent(why) => Some(why.clone()),
        _ => None,
    };
    let whys: Vec<String> = outcomes.iter().filter_map(silent).collect();
    if let (Some(why), true) = (whys.first(), whys.len() == outcomes.len()) {
        let none = ProbeFinding::NoMetadata(SERVICE.ip().to_string(), why.clone());
        survey.probed.push(none);
        return;
    }
    let is_platform = |(_, of): &(&str, Outcome)| matches!(of, Outcome::Platform(_));
    let is_known = outcomes.iter().any(is_platform);
    // What is wrong with all is told once, with the first of them.
    let mut odd: Vec<(String, Vec<&str>)> = Vec::new();
    let mut add = |why: String, path| match odd.iter_mut().find(|(of, _)| *of == why) {
        Some((_, paths)) => paths.push(path),
        None => odd.push((why, vec![path])),
    };
    for (path, outcome) in outcomes {
        match outcome {
            Outcome::Absent => {}
            Outcome::Refused(_) if is_known => {}
            Outcome::Refused(status) => add(format!("it answers with status {status}"), path),
            Outcome::Silent(why) | Outcome::Odd(why) => add(why, path),
            Outcome::Platform(name) => {
                let platform = ProbeFinding::Platform(name.to_owned(), url(path));
                survey.probed.push(platform);
            }
            Outcome::Told(by, told) => {
                if let Some(why) = told.unread {
                    add(why.to_owned(), path);
                }
                for named in told.servers {
                    let text = format!("ntp: {}", named.server);
                    let evidence = match named.line {
                        Some(line) => Evidence::line(&url(path), line, &text),
                        None => Evidence::file(&url(path), &text),
                    };
                    survey.offers.push(Offer {
                        by,
                        client: CLIENT,
                        interface: None,
                        server: named.server,
                        standing: Standing::InForce,
                        is_kept: false,
                        evidence,
                    });
                }
            }
        }
    }
    for (why, paths) in odd {
        let more = match paths.len() {
            0 | 1 => String::new(),
            count => format!(", and {} more there", count - 1),
        };
        let what = format!("{}{more}", url(paths.first().copied().unwrap_or_default()));
        survey.probed.push(ProbeFinding::Metadata(what, why));
    }
}

fn url(path: &str) -> String {
    format!("http://{}{path}", SERVICE.ip())
}

/// What is at an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    /// Nobody that answers.
    #[default]
    Nothing,
    /// A server of time, of this stratum.
    Stratum(u8),
    /// One that has none to tell.
    Unsynchronised,
}

fn ask_ntp(address: IpAddr) -> Found {
    let Ok(nonce) = SysRng.try_next_u64() else {
        return Found::Nothing;
    };
    let request = Header::client_request(nonce).to_bytes();
    let answer = query::ask(SocketAddr::new(address, NTP), &request, PATIENCE, |bytes| {
        ntp_answer(bytes, nonce).is_some()
    });
    let answer = answer.ok().and_then(|bytes| ntp_answer(&bytes, nonce));
    answer.unwrap_or_default()
}

/// What an answer to a request with this number says; nothing where it is none.
fn ntp_answer(bytes: &[u8], nonce: u64) -> Option<Found> {
    let header = Packet::parse(bytes).ok()?.header;
    if header.mode != PacketMode::Server || header.origin != NtpTimestamp(nonce) {
        return None;
    }
    // Also a kiss code.
    let is_synchronised = header.leap != Leap::Unsynchronised && (1..16).contains(&header.stratum);
    Some(match is_synchronised {
        true => Found::Stratum(header.stratum),
        false => Found::Unsynchronised,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::survey_image;
    use super::super::super::tests::Tree;
    use super::*;

    fn answer(status: u16, kind: &str, body: &str) -> Result<Answer, http::NoAnswer> {
        Ok(Answer {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
            is_cut: false,
        })
    }

    const VENDOR: &str = "{\"cloud-init\": \"#cloud-config\\nntp:\\n  servers: [ntp1.example]\"}";

    #[test]
    fn answers_of_each_kind() {
        let json = "application/json; charset=UTF-8";
        let is = |asked, status, body: &str| outcome(asked, &answer(status, json, body));
        assert_eq!(
            is(Asked::OpenStack, 200, "{\"uuid\": \"1\"}"),
            Outcome::Platform("OpenStack")
        );
        assert_eq!(is(Asked::OpenStack, 200, "{}"), Outcome::Absent);
        assert_eq!(
            is(Asked::Ec2, 200, "AQAEAKpu==\n"),
            Outcome::Platform("EC2")
        );
        assert_eq!(is(Asked::Ec2, 405, "no"), Outcome::Refused(405));
        assert_eq!(is(Asked::Gce, 200, "instance/\n"), Outcome::Absent);
        let Outcome::Told(by, told) = is(Asked::VendorData, 200, VENDOR) else {
            panic!("it tells nothing");
        };
        assert_eq!((by, told.servers.len()), (OfferBy::VendorData, 1));
        let google = Answer {
            status: 200,
            headers: vec![("metadata-flavor".to_owned(), "Google".to_owned())],
            ..Answer::default()
        };
        assert_eq!(outcome(Asked::Gce, &Ok(google)), Outcome::Platform("GCE"));
    }

    #[test]
    fn answers_that_are_none() {
        let odd = |asked, answer: Result<Answer, http::NoAnswer>| match outcome(asked, &answer) {
            Outcome::Odd(why) => why,
            other => panic!("{other:?}"),
        };
        for (asked, _) in ALL {
            assert!(odd(asked, answer(200, "text/html", "hello")).contains("HTML"));
            let mut away = answer(302, "text/plain", "").unwrap();
            away.headers
                .push(("location".to_owned(), "http://portal/".to_owned()));
            assert_eq!(
                odd(asked, Ok(away)),
                "it redirects to http://portal/, which is not followed"
            );
            let mut cut = answer(200, "text/plain", "x").unwrap();
            cut.is_cut = true;
            assert!(odd(asked, Ok(cut)).contains("256 kB"));
            let no = http::NoAnswer::Malformed("it begins otherwise");
            assert!(odd(asked, Err(no)).contains("no HTTP"));
            let late = outcome(asked, &Err(http::NoAnswer::Late));
            assert_eq!(late, Outcome::Silent("no whole answer in time".to_owned()));
        }
        assert!(
            odd(
                Asked::VendorData,
                answer(200, "text/plain", "<!doctype html>")
            )
            .contains("HTML")
        );
        assert!(odd(Asked::VendorData, answer(200, "text/plain", "no")).contains("JSON"));
        assert!(odd(Asked::Ec2, answer(200, "text/plain", "a b")).contains("token"));
    }

    fn told(outcomes: Vec<(&'static str, Outcome)>) -> Survey {
        let mut survey = survey_image(&mut Tree::of(&[]).files());
        tell(outcomes, &mut survey);
        survey
    }

    #[test]
    fn what_all_have_in_common_is_told_once() {
        let silent = || Outcome::Silent("no route".to_owned());
        let none = told(vec![("/a", silent()), ("/b", silent())]);
        let said = ProbeFinding::NoMetadata("169.254.169.254".to_owned(), "no route".to_owned());
        assert_eq!(none.probed, [said]);
        let odd = || Outcome::Odd("wrong".to_owned());
        let all = told(vec![
            ("/a", odd()),
            ("/b", Outcome::Refused(401)),
            ("/c", odd()),
        ]);
        let metadata = |what: &str, why: &str| {
            ProbeFinding::Metadata(format!("http://169.254.169.254{what}"), why.to_owned())
        };
        assert_eq!(
            all.probed,
            [
                metadata("/a, and 1 more there", "wrong"),
                metadata("/b", "it answers with status 401")
            ]
        );
        // Where it is known which platform that is, others' questions are none of its business.
        let known = told(vec![
            ("/a", Outcome::Refused(401)),
            ("/b", Outcome::Platform("EC2")),
        ]);
        let platform = ProbeFinding::Platform("EC2".to_owned(), url("/b"));
        assert_eq!(known.probed, [platform]);
        let config = of_vendor_data(VENDOR.as_bytes()).unwrap();
        let offered = told(vec![("/v", Outcome::Told(OfferBy::VendorData, config))]);
        assert_eq!(offered.offers[0].server, "ntp1.example");
        assert_eq!(offered.offers[0].evidence.file, "http://169.254.169.254/v");
    }

    #[test]
    fn an_answer_over_ntp_is_one_to_this_request() {
        let reply = |stratum, leap| Header {
            mode: PacketMode::Server,
            origin: NtpTimestamp(7),
            stratum,
            leap,
            ..Header::client_request(1)
        };
        let found = |header: Header, nonce| ntp_answer(&header.to_bytes(), nonce);
        assert_eq!(found(reply(3, Leap::None), 7), Some(Found::Stratum(3)));
        assert_eq!(found(reply(3, Leap::None), 8), None);
        assert_eq!(found(reply(0, Leap::None), 7), Some(Found::Unsynchronised));
        assert_eq!(
            found(reply(3, Leap::Unsynchronised), 7),
            Some(Found::Unsynchronised)
        );
        assert_eq!(found(Header::client_request(7), 7), None);
        assert_eq!(ntp_answer(b"short", 7), None);
    }
}
